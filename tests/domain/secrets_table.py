r"""Texts with a secret in them, and texts without one: what ``mask`` must hide and what it must leave alone.

In ``SECRET`` the secret stands between « and »: the marks are taken out before the text is masked. They are also set
into the middle of well-known shapes, so that nobody who scans this repository for keys finds one: none was ever real.
In both lists ``\n`` is a line break and ``~`` is a character without width.
"""

from __future__ import annotations

SECRET = r"""
AKIA«IOSFODNN7EXAMPLE»
AKIA«IOSFODNN7EXAMPLE» wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
AKIAIOSFODNN7EXAMPLE «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
AKIAIOSFODNN7EXAMPLE:«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
AKIAIOSFODNN7EXAMPLE\n«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
creds («wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKE9», ASIAIOSFODNN7EXAMPLE)
aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
export AWS_SECRET_ACCESS_KEY=«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"«wJalrXUtnFEMI/K7MDENG»","SessionToken":"x1"}
aws configure set aws_secret_access_key «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
ABSKQmVkcm9ja0FQSUtleS1«abcd0123abcd0123abcd0123abcd0123»
X-Amz-Security-Token=«IQoJb3JpZ2luX2VjEJr1234567890abcdef»&X-Amz-Date=1
session token IQoJb3JpZ2lu«X2VjEJr1234567890abcdefABCDEF»
wh«sec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw»
STRIPE says wh«sec_0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d»
s«k_live_4eC39HqLyjWDarjtT1zdp7dc»
rk_te«st_4eC39HqLyjWDarjtT1zdp7dc»
sk_te«st_51H8x4eC39HqLyjWDarjtT1zdp7dc» was refused
S«K0123456789abcdef0123456789abcdef»
twilio A«C0123456789abcdef0123456789abcdef»
AC0123456789abcdef0123456789abcdef:«fedcba9876543210fedcba9876543210»
AC0123456789abcdef0123456789abcdef «fedcba9876543210fedcba9876543210»
TWILIO_AUTH_TOKEN=«fedcba9876543210fedcba9876543210»
https://maps.example/api?address=x&key=«AbCdEf0123456789GhIjKl»
https://www.example.com/v3/videos?key=«0f9e8d7c6b5a49382716abcd»&part=id
https://api.example.com/send?apikey=«0f9e8d7c»
https://api.example.com/send?api-key=«hello1»&x=1
https://graph.example/me?appsecret_proof=«0f9e8d7c6b5a4938»&fields=id
appsecret_proof: «0f9e8d7c6b5a4938»
{"appsecret_proof":"«0f9e8d7c6b5a4938»"}
body=%7B%22access_token%22%3A%22«abcd1234»%22%2C%22id%22%3A7%7D
%7B%22password%22%3A%22«hunter2»%22%7D
%7B%22client_secret%22%3A+%22«s3cr3t9»%22%7D
%257B%2522access_token%2522%253A%2522«abcd1234»%2522%257D
redirect=https%3A%2F%2Fx.example%2F%3Faccess_token%3D«abcd1234»%26a%3D1
state=%26token%3d«abcd1234»%26
payload «eyJhY2Nlc3NfdG9rZW4iOiJhYmNkMTIzNCIsImlkIjo3fQ==»
data: «eyJwYXNzd29yZCI6Imh1bnRlcjIifQ==»
«eyJ1c2VyIjoiYm9iIiwicGFzc3dvcmQiOiJodW50ZXIyIn0»
cfg=«WyJwYXNzd29yZCIsImh1bnRlcjIiXQ==»
«cGFzc3dvcmQ9aHVudGVyMiZ1c2VyPWJvYg==» was the body
password:\n«hunter2»
Password:\n  «hunter2»\nUser: bob
access_token =\n«abcd1234»
Secret access key\n«wJalrXUtnFEMI/K7MDENG»
API key:\n\n«0f9e8d7c6b5a4938»
token:\r\n«abcd1234»
client_secret: |\n  «abcd1234efgh»
secret: >-\n  «abcd1234efgh»
Authorization:\n  Bearer «abcd1234efgh»
mysql -u root -p«hunter2» posts
mysql -uroot -p«Xy» -h db
mysqldump -h db.internal -u app -p«hunter2» posts > dump.sql
mysqladmin -p«hunter2» status
mariadb -u app -p«hunter2»
mysql -u root -p'«hunter 2»' posts
mysql --password=«hunter2» -u root
curl -u bob:«hunter2» https://x.example
curl -ubob:«hunter2» https://x.example
curl -s -u "bob:«hunter2»" https://x.example
curl --user bob:«hunter2» https://x.example
curl --user=bob:«hunter2» https://x.example
curl -X POST --proxy-user bob:«hunter2» https://x.example
curl -H 'X-Api-Key: «abcd1234»' https://x.example
curl -H "authorization: bearer «abcd1234»" https://x.example
curl -b 'sessionid=«abcd1234»; x=1' https://x.example
curl -d 'grant_type=password&username=bob&password=«hunter2»' https://x.example
wget --http-password=«hunter2» https://x.example
wget --user=bob --password «hunter2» https://x.example
sshpass -p «hunter2» ssh deploy@host
sshpass -p'«hunter2»' scp a host:
redis-cli -h cache -a «hunter2» ping
redis-cli -u redis://default:«hunter2»@cache:6379
redis-cli --pass «hunter2»
AUTH «hunter2xyz»
AUTH default «hunter2xyz»
127.0.0.1:6379> AUTH «s3cr3t9»
CONFIG SET requirepass «hunter2»
requirepass «hunter2»
masterauth «hunter2»
docker login -u bob -p «hunter2» registry.example
mongo --host db -u app -p «hunter2»
mongodump -u app -p «hunter2» --db posts
PGPASSWORD=«hunter2» psql -h db
ALTER USER app WITH PASSWORD '«hunter2»';
CREATE USER app IDENTIFIED BY '«hunter2»';
CREATE USER 'app'@'%' IDENTIFIED BY "«hunter2»";
machine db.example login bob password «hunter2»
htpasswd -b /etc/htpasswd bob «hunter2»
ldapsearch -x -D cn=admin -w «hunter2»
smbclient //h/s -U bob%«hunter2»
http -a bob:«hunter2» x.example
openssl rsa -passin pass:«hunter2»
["password", "«hunter2»"]
["access_token","«abcd1234»"]
('api_key', '«abcd1234»')
[["user","bob"],["password","«hunter2»"]]
("Authorization", "Bearer «abcd1234efgh»")
["Authorization", "«abcd1234efgh»"]
rawHeaders: ["Host","x.example","Cookie","«sessionid=abcd1234»"]
["Set-Cookie", "«sid=abcd1234; Path=/»"]
{"name":"password","value":"«hunter2»"}
{"name": "DB_PASSWORD", "value": "«hunter2»"}
{"key":"API_KEY","value":"«abcd1234»"}
{"Name":"SLACK_TOKEN","Value":"«abcd1234»"}
{'name': 'sessionid', 'value': '«abcd1234»', 'path': '/'}
- name: DB_PASSWORD\n  value: «hunter2»
<add key="Password" value="«hunter2»"/>
xox~«b-123456789012-abcdefABCDEF»
xoxb-1234~«56789012-abcdefABCDEF0123»
gh~«p_abcdefghijklmnopqrstuvwxyz0123456789»
pass~word=«hunter2»
password~=«hunter2»
password: ~«hunter2»
password=«hun~ter2»
AKIA~«IOSFODNN7EXAMPLE»
eyJhbGciOiJIUzI1NiJ9.«eyJzdWIiOiIxMjM0~NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U»
xox«b-123456789012-123456789012-abcdefghijABCDEFGHIJ1234»
xox«p-123456789012-123456789012-abcdef»
xoxe.xox«p-1-Mi0yLTEyMzQ1Njc4OTAtMTIzNDU2Nzg5»
xoxe«-1-My0xLTEyMzQ1Njc4OTAtMTIzNDU2Nzg5»
xapp«-1-A0123456789-1234567890123-0123456789abcdef0123»
xoxd«-abcDEF%2B1234567890»
https://hooks.slack.com/services/«T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX»
https://hooks.slack.com/workflows/«T00000000/A00000000/123/abcdefghijkl»
https://discord.com/api/webhooks/«123456789012345678/abcdefghijklmnopqrstuvwxyz0123»
https://acme.webhook.office.com/webhookb2/«0f9e8d7c-1234-1234-1234-0123456789ab@0f9e8d7c-1234-1234-1234-0123456789ab/IncomingWebhook/abcdef»
https://api.telegram.org/bot«123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1»/getMe
telegram «123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1»
gh«p_abcdefghijklmnopqrstuvwxyz0123456789»
gho«_abcdefghijklmnopqrstuvwxyz0123456789»
ghs«_abcdefghijklmnopqrstuvwxyz0123456789»
github_«pat_11ABCDEFG0abcdefghijkl_abcdefghijklmnopqrstuvwxyz»
git clone https://x-access-token:«ghs_abcdefghijklmnopqrstuvwxyz»@github.com/acme/x
gl«pat-abcdefghijklmnopqrst»
gl«dt-abcdefghijklmnopqrst»
glrt«-abcdefghijklmnopqrst»
glptt«-0123456789abcdef0123456789abcdef01234567»
npm«_abcdefghijklmnopqrstuvwxyz0123456789»
//registry.example/:_authToken=«abcd1234»
py«pi-AgEIcHlwaS5vcmcCJDAxMjM0NTY3LTAxMjMtMDEyMy0wMTIz»
dc«kr_pat_abcdefghijklmnopqrstuvwxyz0»
SG.«abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG»
key-«0123456789abcdef0123456789abcdef»
xke«ysib-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-abcdEFGH1234abcd»
0123456789abcdef0123456789abcdef-«us12»
AIza«SyA1234567890abcdefghijklmnopqrstuv»
ya29.«a0AfH6SMBabcdefghijklmnop»
1//0«gabcdefghijklmnopqrstuvwxyz»
GOCSPX«-abcdefghijklmnopqrstuvwxyz01»
4/0A«X4XfWjabcdefghijklmnopqrstuvwxyz»
sk-«abcdefghijklmnopqrstT3BlbkFJabcdefghijklmnopqrst»
sk-pr«oj-abcdefghijklmnop_0123456789-abcdef»
sk-an«t-api03-abcdefghijklmnop0123456789-AA»
gs«k_abcdefghijklmnopqrstuvwxyz0123456789abcdefghij»
hf«_abcdefghijklmnopqrstuvwxyzABCDEFGH»
r8«_abcdefghijklmnopqrstuvwxyz01234567890»
xai«-abcdefghijklmnopqrstuvwxyz0123456789abcdefghij»
pplx«-abcdefghijklmnopqrstuvwxyz0123456789abcdefghij»
EAA«GzabcdefghijklmnopqrstuvwxyzABCDEFGH0123456789»
IGQV«JabcdefghijklmnopqrstuvwxyzABCDEFGH0123»
act.«example12345678!4567.va»
shp«at_0123456789abcdef0123456789abcdef»
shpss«_0123456789abcdef0123456789abcdef»
do«p_v1_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef»
hv«s.CAESIabcdefghijklmnopqrstuvwxyz0123456789»
nr«ak-ABCDEFGHIJKLMNOPQRSTUVWXYZ0»
NR«AK-ABCDEFGHIJKLMNOPQRSTUVWXYZ0»
gl«sa_abcdefghijklmnopqrstuvwxyz012345_0a1b2c3d»
gl«c_eyJvIjoiMTIzNDU2IiwibiI6InRlc3QifQ»
PM«AK-0123456789abcdef01234567-0123456789abcdef0123456789abcdef01»
lin«_api_abcdefghijklmnopqrstuvwxyz0123456789ABCD»
nt«n_123456789abcdefghijklmnopqrstuvwxyz0123456789»
secret_«abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG»
sntrys«_eyJpYXQiOjE2ODczMzY1NDMuNjk4NTksInVybCI6bnVsbCwicmVn»
sntryu«_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef»
figd«_abcdefghijklmnopqrstuvwxyz0123456789»
ATATT3x«FfGF0abcdefghijklmnopqrstuvwxyz0123456789»
dp.st«.prd.abcdefghijklmnopqrstuvwxyz0123456789ABCD»
pscale«_tkn_abcdefghijklmnopqrstuvwxyz0123456789»
rubygems«_0123456789abcdef0123456789abcdef0123456789abcdef»
AGE-SECRET-KEY-1«QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQQPZRY9X8GF2TVDW0S3JN54KHC»
sq0«csp-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG»
EAAA«EabcdefghijklmnopqrstuvwxyzABCDEFGH0123456789abcdefghijklmnopq»
u+«abcdefghijklmnopqr»
pagerduty «u+AbCdEfGh1234567890»
eyJhbGciOiJIUzI1NiJ9.«eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U»
jwt: eyJhbGciOiJIUzI1NiJ9.«eyJzdWIiOiIxMjM0NTY3ODkwIn0.»
-----BEGIN RSA PRIVATE KEY-----\n«MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn»\n-----END RSA PRIVATE KEY-----
-----BEGIN PRIVATE KEY-----\\n«MIIEvQIBADANBgkqhkiG9w0BAQ»\\n-----END PRIVATE KEY-----
-----BEGIN OPENSSH PRIVATE KEY-----\n«b3BlbnNzaC1rZXktdjEAAAAABG5vbmU»
-----BEGIN PGP PRIVATE KEY BLOCK-----\n«lQOYBGPrivateKeyMaterial01234»\n-----END PGP PRIVATE KEY BLOCK-----
"-----BEGIN EC PRIVATE KEY-----\n«MHcCAQEEIBPrivate01»\n-----END EC PRIVATE KEY-----"
PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 2\n«AAAAgQDabcdefghijklmnop0123456789abcdefghijklmnop»
redis://:«hunter2»@cache:6379/0
rediss://default:«hunter2»@cache:6379
postgres://app:«hunter2»@db.internal:5432/posts
postgresql://app:«p%40ss»@db/posts
mysql://root:«x»@db/posts
mongodb+srv://app:«hunter2»@cluster0.example.net/?w=1
amqps://app:«hunter2»@mq.example/vhost
https://bob:«hunter2»@x.example/a
ftp://bob:«hunter2»@files.example
smtp://bob%40x.example:«hunter2»@smtp.example:587
https://«0123456789abcdef0123456789abcdef»@o1.ingest.sentry.io/2
jdbc:postgresql://db/posts?user=app&password=«hunter2»
jdbc:oracle:thin:app/«hunter2»@db:1521/x
Server=db;User Id=app;Password=«hunter2»;Database=posts
Server=db;Uid=app;Pwd=«hunter2»;
DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=«abcd1234abcd1234==»;EndpointSuffix=x
Endpoint=sb://x.example/;SharedAccessKeyName=root;SharedAccessKey=«abcd1234abcd1234=»
host=db user=app password=«hunter2» dbname=posts
Cookie: «sessionid=abcd1234; theme=dark»
cookie: «ds_user_id=1; sessionid=abcd1234»
Set-Cookie: «sid=abcd1234; HttpOnly»
set-cookie: «connect.sid=s%3Aabcd1234»
document.cookie = "«sid=abcd1234»"
sessionid=«1234567890%3Aabcdef%3A12»
ds_user_id=1; sessionid=«1234567890%3Aabcdef%3A12»; rur=x
csrftoken=«abcd1234»
PHPSESSID=«abcd1234efgh»
JSESSIONID=«ABCD1234EFGH»
connect.sid=«s%3Aabcd1234efgh»
auth_token=«0f9e8d7c6b5a4938»; ct0=«0f9e8d7c6b5a4938»
Authorization: «Bearer abcd1234»
AUTHORIZATION: «abcd1234»
authorization: «token abcd1234»
aUtHoRiZaTiOn: «Basic Ym9iOmh1bnRlcjI=»
Proxy-Authorization: Basic «Ym9iOmh1bnRlcjI=»
Authorization: Digest «username="bob", response="0f9e8d7c"»
Authorization: ApiKey «abcd1234»
{"authorization":"«Bearer abcd1234»"}
headers: { Authorization: '«Bearer abcd1234»' }
'authorization': ['«Bearer abcd1234»']
sent bearer «abcd1234EFGH»
sent BEARER «abcd1234EFGH»
sent Basic «Ym9iOmh1bnRlcjI=» there
OAuth oauth_token="«abcd1234»", oauth_signature="«abcd%3D»"
X-Api-Key: «abcd1234»
X-Auth-Token: «abcd1234»
x-goog-api-key: «abcd1234»
PRIVATE-TOKEN: «abcd1234»
X-Slack-Signature: v0=«0f9e8d7c6b5a4938»
X-Hub-Signature-256: sha256=«0f9e8d7c6b5a4938»
Ocp-Apim-Subscription-Key: «0f9e8d7c6b5a4938»
DD-API-KEY: «0f9e8d7c6b5a4938»
password=«hunter2»
PASSWORD: «hunter2»
Password is «hunter2»
the password is «hunter2», change it
my password: «correct horse»
passwd=«x»
passphrase: «abcd1234»
pw: «hunter2»
pwd=«hunter2»
pass=«hunter2»
user bob pass «hunter22»
DB_PASS=«hunter2»
secret: «abcd1234»
client_secret=«abcd1234»
clientSecret: "«abcd1234»"
app_secret=«abcd1234»
token=«abcd1234»
token: «123456»
access token is «abcd1234efgh5678»
refresh_token="«abcd1234»"
id_token=«abcd1234»
"accessToken" : "«abcd1234»"
accessToken:«abcd1234»,
api_key=«abcd1234»
apiKey: «abcd1234»
api key «abcd1234efgh5678»
ENCRYPTION_KEY=«abcd1234»
private_key=«abcd1234»
credentials=«bob:hunter2»
creds: «bob/hunter2»
otp=«123456»
one-time password: «123456»
your verification code is «123456»
2FA code: «123456»
MFA code «123456»
https://x.example/cb?code=«AQBx1234567890abcdef»&state=1
https://x.example/reset?token=«abcd1234»
https://x.example/a?sig=«abcd1234»&se=1
https://x.example/a?X-Amz-Signature=«0f9e8d7c»&X-Amz-Expires=9
https://x.example/a?access_token=«abcd1234»
https://x.example/#access_token=«abcd1234»&expires_in=9
https://storage.example/v.mp4?GoogleAccessId=x&Signature=«abcd%2B1234»
client_assertion=«abcd1234.abcd»
code_verifier=«abcd1234abcd1234abcd1234»
<password>«hunter2»</password>
<Password xsi:type="string">«hunter2»</Password>
password =&gt; «hunter2»
&quot;password&quot;:&quot;«hunter2»&quot;
\"password\":\"«hunter2»\"
\\"password\\":\\"«hunter2»\\"
{\u0022password\u0022:\u0022«hunter2»\u0022}
password -> «hunter2»
`password` = `«hunter2»`
*password*: «hunter2»
**Password:** «hunter2»
_token_: «abcd1234»
| password | «hunter2» |
password\t«hunter2»
""".strip().split("\n")

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
