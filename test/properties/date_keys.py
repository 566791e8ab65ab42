"""The DateKey of every day from 2000 to 2100 by Python's own hmac. In: the key in hex on stdin. Out: "YYYYMMDD hex" lines."""

import datetime
import hashlib
import hmac
import sys

key = bytes.fromhex(sys.stdin.read())
day = datetime.date(2000, 1, 1)
while day.year <= 2100:
    text = day.strftime("%Y%m%d")
    print(text, hmac.new(key, text.encode(), hashlib.sha256).hexdigest())
    day += datetime.timedelta(days=1)
