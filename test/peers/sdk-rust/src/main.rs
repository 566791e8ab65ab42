// Who a program with the AWS SDK for Rust is, by its default chain. In: the address of STS, and how many times to ask,
// 20 seconds apart. Out: the ARN on standard output, each time.

use aws_sdk_sts::error::DisplayErrorContext;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use std::process::ExitCode;
use std::time::Duration;

type Refused = aws_sdk_sts::error::SdkError<GetCallerIdentityError>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let [_, endpoint, times] = &words[..] else { return ExitCode::FAILURE };
    match run(endpoint, times.parse().unwrap_or(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", DisplayErrorContext(error));
            ExitCode::FAILURE
        }
    }
}

async fn run(endpoint: &str, times: u32) -> Result<(), Refused> {
    let loaded = aws_config::from_env().endpoint_url(endpoint).load().await;
    let sts = aws_sdk_sts::Client::new(&loaded);
    for turn in 0..times {
        if turn > 0 {
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        let identity = sts.get_caller_identity().send().await?;
        println!("{}", identity.arn().unwrap_or_default());
    }
    Ok(())
}
