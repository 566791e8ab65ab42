// Who a program with the AWS SDK for Go v2 is, by its default chain. In: the address of STS, and how many times to ask,
// 20 seconds apart. Out: the ARN on standard output, each time.

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint, times string) error {
	loaded, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(endpoint))
	if err != nil {
		return err
	}
	turns, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	client := sts.NewFromConfig(loaded)
	for turn := range turns {
		if turn > 0 {
			time.Sleep(20 * time.Second)
		}
		identity, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return err
		}
		fmt.Println(*identity.Arn)
	}
	return nil
}
