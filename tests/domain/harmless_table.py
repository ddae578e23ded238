r"""Texts without a secret in them, which ``mask`` must leave alone. ``\n`` is a line break, ``~`` has no width."""

from __future__ import annotations

HARMLESS = r"""
Unexpected token '<', "<!DOCTYPE "... is not valid JSON
Unexpected token < in JSON at position 0
Unexpected token } in JSON at position 17
Unexpected token 'H', "Hello" is not valid JSON
Unexpected token 'export'
Unexpected token: 'undefined'
SyntaxError: Unexpected token ':'
SyntaxError: Unexpected token 'const' at 12
Unexpected token ILLEGAL
Unexpected token `)`
pass: 3
pass: 12, fail: 1
pass=12 fail=0 skip=2
pass: 12/15
pass: true
pass 2 of 3: encoding
first pass: encoding
passes: 3
tests pass: yes
nextPageToken
nextPageToken: CAUQAA
"nextPageToken": "second page of posts"
nextPageToken=page2
{"nextPageToken":"CDIQAA","items":[]}
next_page_token: abc123
pageToken=CAUQAA
continuationToken: abc123
NextContinuationToken=1ueGcxLPRx1Tr
syncToken: abc123
cancellationToken: none
CancellationToken: requested
storageKey
storageKey: media/2025/clip.mp4
storageKey=media/2025/11/clip.mp4
"storageKey": "media/abc123.mp4"
storage_key: media/abc123.mp4
Key: media/2025/clip.mp4
key: value
key: repost-dispatch
key=posts:17
publicKey: abc
primary key: id
primaryKey=17
partition key: user_id
partitionKey: user-17
sort key: created_at
idempotency key: abc123
idempotencyKey=post-17
routing key: posts.publish
foreign key: posts_user_id
dedupe key: job-17
cacheKey: posts:17:feed
keys: 412
keyboard: us
monkey: 7
max_tokens=512
tokens: 512
tokens used: 512
total_tokens: 1024
prompt_tokens=17
token_type=bearer
token_expires_in: 3600
token count: 17
token: expired
token: 401
token refresh: 17 waiting
token-refresh: 3 failed
token-refresh:17
queue token-refresh has 412 jobs
access token: Session has expired
access token: failed after 3 tries
Error validating access token: Session has expired on Friday, 21-Nov-25 03:00:00 PST.
Error validating access token: The user has not authorized application 1234567890.
Invalid OAuth access token - Cannot parse access token
Invalid OAuth 2.0 Access Token
The provided token has expired.
The security token included in the request is invalid.
invalid_grant: Token has been expired or revoked.
Token is invalid
token not found
missing token
no token for user 17
password: required
password missing
password changed yesterday
password reset for 12 people
password_reset_sent=3
passwords rotated at 02:14
wrong password for bob
the password is wrong
forgot password? ask ops
secret not found
secret: rotated
secretName: posts-db
secret_name=posts-db
secrets manager is slow
secretsmanager: timeout after 5000 ms
cookie expired
cookies: 3 set
cookies rotated; login again
cookie: missing
session: 3
session expired for account 17
session 17 of 20
sessions: 412
session id missing
auth: ok
auth: failed
auth failed for job 17
AUTH failed
NOAUTH Authentication required.
WRONGPASS invalid username-password pair or user is disabled.
ERR AUTH <password> called without any password configured
Authorization: required
authorization failed: 401
Authorization header is missing
Basic authentication failed
bearer authentication required
Bearer token is missing
basic plan: 17 accounts
signature: invalid
signature mismatch for 17
The request signature we calculated does not match
sig: SIGTERM
signal: SIGKILL
assassin passed the passive author's signature dish
author: bob
authors: 3
compass: north
bypass: 3
passenger: bob
passive: true
passed: 12
secretary: Ana
tokenizer: bpe
design: compass
credential check: ok
credentials expired
otp: required
api key missing
api_key=<your key>
api key: invalid
API key not valid. Please pass a valid API key.
access key: unknown
encryption key: rotated
private key: missing
token=${TOKEN} password=$PASSWORD
password={{ password }}
password=$(cat /run/secrets/db)
token: process.env.SLACK_TOKEN
token: os.environ["SLACK_TOKEN"]
password: ********
password: [redacted]
secret: xxxxx
mysql -u root -p posts
mysql -u root -p
mysql -P 3306 -h db
mysql: connection lost at 02:14
mkdir -p /srv/media
docker run -p 8080:80 app
ssh -p 2222 deploy@host
cp -p a b
redis-cli -h cache -n 0 ping
curl -u bob https://x.example
curl -s https://x.example/health
sort -u names.txt
git push -u origin main
["token", "queue"]
["password", "username", "email"]
["name", "token", "secret"]
("GET", "/token")
{"name":"queue","value":"repost-dispatch"}
{"key":"color","value":"red"}
commit da39a3ee5e6b4b0d3255bfef95601890afd80709
da39a3ee5e6b4b0d3255bfef95601890afd80709
DA39A3EE5E6B4B0D3255BFEF95601890AFD80709
merge 0123abc into main
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
md5 d41d8cd98f00b204e9800998ecf8427e
ETag: "d41d8cd98f00b204e9800998ecf8427e"
550e8400-e29b-41d4-a716-446655440000
job 550e8400-e29b-41d4-a716-446655440000 failed
550E8400-E29B-41D4-A716-446655440000
01ARZ3NDEKTSV4RRFFQ69G5FAV
507f1f77bcf86cd799439011
V1StGXR8_Z5jdHi6B-myT
job repeat:token-refresh:1700000000000
repost-dispatch:17:retry
bull:repost-dispatch:17
s3://acme-media/2025/11/23/clip-0001.mp4
https://acme-media.s3.amazonaws.com/2025/11/clip.mp4
media/550e8400-e29b-41d4-a716-446655440000/1080p.mp4
uploads/2025/11/23/IMG_20251123_021400.jpg
https://example.com/watch?v=dQw4w9WgXcQ
https://example.com/p/C1aBcDeFgHi/
https://example.com/list?key=name&sort=asc
https://example.com/get?key=media/2025/clip.mp4
https://example.com/get?key=post-17
https://example.com/a?code=404
https://example.com/a?page=2&limit=50&cursor=abc
https://github.com/acme/posts/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709
https://github.com/acme/posts/pull/17#issuecomment-1234567890
http://host:8080/path
redis://cache:6379/0
postgres://db.internal:5432/posts
git@github.com:acme/posts.git
arn:aws:ecs:eu-west-1:123456789012:service/posts/worker
i-0abcd1234ef567890
vpc-0a1b2c3d
ami-0abcdef1234567890
123456789012.dkr.ecr.eu-west-1.amazonaws.com/posts:1.2.3
posts@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
U012ABCDEF
<@U012ABCDEF> in <#C0FFEE123|ops>
C0123456789 T0123456789
1763863140.000100
2025-11-23T02:14:00.000Z
2025-11-23 02:14:00 UTC
02:14 worker 3 stopped
took 1234 ms, 17 of 412
depth 412 → 9
PWD=/srv/app HOME=/root
at Worker.processJob (/app/node_modules/bullmq/dist/worker.js:512:28)
bullmq@6.7.0
node_modules/@aws-sdk/client-s3/dist-cjs/index.js:42:11
npm_config_registry npm_package_version
pypi-simple 1.2
sk-learn 1.3.0
sk-SK and en-GB captions
ska-1 sk-2
AC: 12 SK: 3
acme-posts-worker-7d4b9c6f5d-x2x9z
posts-api-5f6d8c7b9-abcde restarted 17 times
error code 190 subcode 463
(#200) The user hasn't authorized the application to perform this action
code: 429
Error 131056: pair rate limit
ER_ACCESS_DENIED_ERROR: Access denied for user 'app'@'10.0.0.1' (using password: YES)
FATAL: password authentication failed for user "app"
connect ECONNREFUSED 10.0.0.5:6379
EAACCES: permission denied, open '/srv/x'
eyJ is how JSON begins in base64
payload eyJpZCI6NywicXVldWUiOiJyZXBvc3QtZGlzcGF0Y2gifQ==
aGVsbG8gd29ybGQsIHRoaXMgaXMgZmluZQ==
The session was invalidated because the user changed their password
Please pass: the door is open
Note: pass: the second one
code: ok
verification code expired
two-factor code required
pin: 3 messages
pinned: true
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
ssh-ed25519 and ssh-rsa are refused
next: token refresh at 02:14
reason: token expired at 02:14, owner: Ana
Access-Control-Allow-Credentials: true
www-authenticate: Bearer realm="posts"
x-request-id: 550e8400-e29b-41d4-a716-446655440000
x-amz-request-id: 4442587FB7D0A2F9
cf-ray: 8a1b2c3d4e5f6789-FRA
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
1/0 and 4/5 done
a@b and x@y:3
@here please look at job 17
author's note: nothing
""".strip().split("\n")
