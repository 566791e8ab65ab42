// The Go side of the keyset tests: Tink for Go and its clients of AWS KMS, Google's KMS and Vault, as their makers have them.
// In: one JSON request on standard input. Out: a keyset in base64, or the MAC of the data in hex, on standard output.

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	commonpb "github.com/tink-crypto/tink-go/v2/proto/common_go_proto"
	hmacpb "github.com/tink-crypto/tink-go/v2/proto/hmac_go_proto"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/api/option"
	"google.golang.org/protobuf/proto"
)

type request struct {
	// "write" or "open".
	Act string
	// "json" or "binary".
	Form string
	// aws-kms://, gcp-kms://, hcvault://, or empty for an AES-GCM key in hex.
	Uri, Local string
	// Base64 of the keyset to open; hex of the key to write; the text to compute the MAC of.
	Keyset, Key, Data string
	// How the service is reached.
	Endpoint, Token, Ca, AccessKeyId, SecretAccessKey string
}

func main() {
	var asked request
	err := json.NewDecoder(os.Stdin).Decode(&asked)
	if err == nil {
		err = act(asked)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func act(asked request) error {
	kek, err := kekOf(asked)
	if err != nil {
		return err
	}
	if asked.Act == "write" {
		return write(asked, kek)
	}
	return open(asked, kek)
}

func kekOf(asked request) (tink.AEAD, error) {
	ctx := context.Background()
	switch {
	case strings.HasPrefix(asked.Uri, "aws-kms://"):
		client := kms.New(kms.Options{
			Region:       strings.Split(asked.Uri, ":")[4],
			BaseEndpoint: aws.String(asked.Endpoint),
			Credentials:  credentials.NewStaticCredentialsProvider(asked.AccessKeyId, asked.SecretAccessKey, ""),
		})
		made, err := awskms.NewClientWithOptions(ctx, asked.Uri, awskms.WithKMS(client))
		if err != nil {
			return nil, err
		}
		return made.GetAEAD(asked.Uri)
	case strings.HasPrefix(asked.Uri, "gcp-kms://"):
		made, err := gcpkms.NewClientWithOptions(ctx, asked.Uri, option.WithEndpoint(asked.Endpoint), option.WithoutAuthentication())
		if err != nil {
			return nil, err
		}
		return made.GetAEAD(asked.Uri)
	case strings.HasPrefix(asked.Uri, "hcvault://"):
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(asked.Ca)) {
			return nil, errors.New("no CA")
		}
		made, err := hcvault.NewClient(asked.Uri, &tls.Config{RootCAs: roots}, asked.Token)
		if err != nil {
			return nil, err
		}
		return made.GetAEAD(asked.Uri)
	default:
		key, err := hex.DecodeString(asked.Local)
		if err != nil {
			return nil, err
		}
		return subtle.NewAESGCM(key)
	}
}

func write(asked request, kek tink.AEAD) error {
	key, err := hex.DecodeString(asked.Key)
	if err != nil {
		return err
	}
	params := &hmacpb.HmacParams{Hash: commonpb.HashType_SHA256, TagSize: 32}
	value, err := proto.Marshal(&hmacpb.HmacKey{Params: params, KeyValue: key})
	if err != nil {
		return err
	}
	data := &tinkpb.KeyData{
		TypeUrl:         "type.googleapis.com/google.crypto.tink.HmacKey",
		Value:           value,
		KeyMaterialType: tinkpb.KeyData_SYMMETRIC,
	}
	only := &tinkpb.Keyset_Key{
		KeyData:          data,
		Status:           tinkpb.KeyStatusType_ENABLED,
		KeyId:            4242,
		OutputPrefixType: tinkpb.OutputPrefixType_RAW,
	}
	set := &tinkpb.Keyset{PrimaryKeyId: 4242, Key: []*tinkpb.Keyset_Key{only}}
	handle, err := insecurecleartextkeyset.Read(&keyset.MemReaderWriter{Keyset: set})
	if err != nil {
		return err
	}
	var out bytes.Buffer
	var writer keyset.Writer = keyset.NewJSONWriter(&out)
	if asked.Form == "binary" {
		writer = keyset.NewBinaryWriter(&out)
	}
	if err := handle.Write(writer, kek); err != nil {
		return err
	}
	fmt.Print(base64.StdEncoding.EncodeToString(out.Bytes()))
	return nil
}

func open(asked request, kek tink.AEAD) error {
	raw, err := base64.StdEncoding.DecodeString(asked.Keyset)
	if err != nil {
		return err
	}
	var reader keyset.Reader = keyset.NewJSONReader(bytes.NewReader(raw))
	if asked.Form == "binary" {
		reader = keyset.NewBinaryReader(bytes.NewReader(raw))
	}
	handle, err := keyset.Read(reader, kek)
	if err != nil {
		return err
	}
	primitive, err := mac.New(handle)
	if err != nil {
		return err
	}
	tag, err := primitive.ComputeMAC([]byte(asked.Data))
	if err != nil {
		return err
	}
	fmt.Print(hex.EncodeToString(tag))
	return nil
}
