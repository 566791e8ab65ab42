# Who a program with boto3 is, by its default chain. In: the address of STS, and how many times to ask, 20 seconds apart. Out:
# the ARN on standard output, each time.

import sys
import time

import boto3

sts = boto3.client('sts', endpoint_url=sys.argv[1])
for turn in range(int(sys.argv[2])):
    time.sleep(20 if turn > 0 else 0)
    print(sts.get_caller_identity()['Arn'])
