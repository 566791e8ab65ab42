// Who a program with the AWS SDK for Java v2 is, by its default chain. In: the address of STS, and how many times to ask,
// 20 seconds apart. Out: the ARN on standard output, each time.

import java.net.URI;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.sts.StsClient;

public final class CallerIdentity {
    public static void main(String[] arguments) throws InterruptedException {
        try (StsClient sts = StsClient.builder().endpointOverride(URI.create(arguments[0])).build()) {
            for (int turn = 0; turn < Integer.parseInt(arguments[1]); turn++) {
                Thread.sleep(turn > 0 ? 20_000 : 0);
                System.out.println(sts.getCallerIdentity().arn());
            }
        } catch (SdkException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }
}
