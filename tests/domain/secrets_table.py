r"""Texts with a secret in them, which ``mask`` must hide.

In ``SECRET`` the secret stands between « and »: the marks are taken out before the text is masked. They are also set
into the middle of well-known shapes, so that nobody who scans this repository for keys finds one: none was ever real.
``\n`` is a line break and ``~`` is a character without width.
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
