"""The words that a support bundle may hold in free text: those in which programs speak, none that name people.

Whatever is not here is left out of the bundle, so a missing word costs a little comfort, and a word too many could
cost a patient's privacy. No first names, no family names, no places, no diseases; ``tests/support/test_scrub.py``
looks.
"""

__all__ = ["VOCABULARY"]

_ENGLISH = """
a abort aborted about absent accept accepted access acknowledge acknowledged action add added address addresses
again age ahead alert alerts algorithm algorithms all allocated allowed already also altered an and another answer
answered answers any anything api app applet architecture archive are argument arguments as ask asked at attempt
attempts attribute audit auth authentication authorities authority available back backend bad be because been
before begin begun behind being belong belongs below beside between bind bit bits block blocked body boolean both
bound box broke broken bug busy but by bye byte bytes cache cached call called cancel cancelled cannot card cards
case certificate certificates chain chained change changed changes channel check checked checks checksum child
cipher claim claimed class clean clear client clock close closed code codes column command commands commit
committed common component compressed condition configuration configured conflict connect connected connecting
connection connections content context copy corrupt could count counts crash crashed create created credentials
crl current cut damaged data database date dated day days deadline deadlock debug decrypt default deferred delay
delete deleted deliver delivered delivery denied descriptor detail device devices did differ different digest
directory disabled disk dispatcher do doctor document documents does done down driver drop dropped due duplicate
duplicates during each early empty enabled encoded encoding encrypted end ended ends enough entries entry
environment error errors established event events exc exceeded exception exceptions exchange exclusive exist
existing exists expected expire expired external fail failed failure failures false fault fetch fetched field
fields file filed filename files final find finding findings finished firewall first fit fits flag flags folder
folders follow followed for forbidden forged form format found free freeze from frozen full function functions
further general genuine get give given gives go goes going gone greeting had handle handler handshake has hash
have header headers health held helo hint hold holder holds host hostname hour hours housekeeping how http id
identity idle if ignored illegal impossible in inbox incoming incomplete incorrect index info information input
inside instance instead integer integrity interface intermediate internal interrupted into invalid invariant is
issue issued issuer it item items its itself journal keep keepalive keeper kept key keyring keys kind known last
late later layout lease leases least leave left length less letter level library limit limits line lines link list
listed listening lists load loaded loading local locale lock locked log logged login lookup loop loopback loss
lost lower machine made mail mailbox mailboxes make malformed manifest many match matches maximum mb mechanism
memory message messages middleware migrate minimum minutes mismatch missing mode module more most moved must name
named names need needed needs negotiated nested network never new newer newest next no nobody none nonzero not
note noted nothing notice now nudge null number object of off offer offered offers offline old older on once one
only open opened opening operation operator operators option or order origin other others our out outbox outcome
outgoing outside over own owner pack package packet parameter parse parsed parser part parts password path paths
payload payloads peer pending percent permanent permission permitted person pin pipe place places plain please
pool port ports possible prepare prepared present presented preset previous private probe problem problems process
production program proof protocol provider proxy public pulled purge purged put quarantine quarantined query queue
queued quota quote range rate read readable reader readers reading reads ready reason receipt receipts receive
received receiver recipient recipients recognised record recorded recover recoverable recovered redirect refresh
refused regular rejected release released remote remove removed rename renamed renegotiation replaced report
request requested required reserved reset resolution resolve resource resources response restart restarted
restored result resume resumed retention retries retry return returned revision revocation revoked right rights
root round row rows rule run running runs same say says scan schedule scheduler schema scope seal search second
seconds secret section secure security see seen segment send sender sending sent sequence serial server servers
service session sessions set setting settings settled several share shared short should shut shutdown sign signal
signature signatures signed silent simple since single size skipped slot slow small smart so socket software some
space specified stack stale stalled start started starting state states status step still stop stopped stopping
storage store stored stream strict string subject submission submissions such suite suites support supported
symbolic synchronised syntax system table take taken takes tap task temporarily temporary terminated test text
than that the their them there they this thread threads through time timed timeout times to token tokens too took
trace transaction transfer transition transport tried tries true truncated trust trusted try trying twice type
unable unavailable unbroken under unexpected unique unknown unlock unlocked unreachable unreadable unsafe
unsupported until unusable up update updated upgrade upload usable usage use used user uses using valid value
values verification verified verify version versions volume wait waited waiting waits walk want wanted wants
warning was watch we went were when where which while who whole whose with within without word words work worker
workers works would write writes writing written wrong yet
"""

_TECHNICAL = """
aes aiosmtplib alembic apscheduler asyncio ca cbc cda chacha cms cn connector crlf cryptography dh dhe dns dovecot
dsn ecdhe ecdsa ehlo eof errno esmtp etrn fastapi gcm gssapi hmac https httpx icmp igc imap imapclient imaplib ip
ipv4 ipv6 iso journald json keepidle linux mac macos mbox md5 mdn mime mss mssante nfs noop ntfs ntp oauthbearer
ocsp openssl os p12 pcsc pcscd pdf pem pgp pid pkcs pkcs11 plaintext poly1305 postfix postgresql psk pss ptr
pydantic python rcpt rfc rpc rsa sasl sha sha1 sha256 sha384 sha512 smb smtp smtputf8 socks spnego sql sqlalchemy
sqlite ssl sslv3 starttls structlog tcp tls tlsv1 toml typst udp uid uidvalidity unix url utc utf uvicorn wal
watchdog websocket win windows x509 xdm xml xoauth2 zip
"""

_AUTHORITIES = """
ac aci acr el elementaire org organisations personnes racine sante standard
"""

VOCABULARY = frozenset(f"{_ENGLISH} {_TECHNICAL} {_AUTHORITIES}".split())
"""In lower case."""
