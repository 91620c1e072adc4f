#!/bin/sh
# What an LPS does with the connector, with curl:   MSS_TOKEN=… sh lps.sh cr.xml correspondant@autre.mssante.fr
# The token comes from "mss-connector client add"; MSS_API only when the port is another one.
set -eu
API=${MSS_API:-http://127.0.0.1:8723/api/v1}
KEY=CR-2026-0417-$(cksum < "$1" | tr ' ' -)   # one per submission, kept with it

# The token goes through a pipe: a command line can be read by everybody on the machine.
ask() { printf 'Authorization: Bearer %s\n' "$MSS_TOKEN" | curl -sS --fail-with-body -H @- "$@"; }

# 1. Send. With the answer 202 the document is kept and survives power loss.
send() {
  ask "$API/messages" -H "Idempotency-Key: $KEY" -D - -o sent.json \
      -F "message={\"mailbox\": \"dr-modele\", \"recipients\": [{\"address\": \"$2\"}]};type=application/json" \
      -F "documents=@$1" | tr -d '\r' | sed -n 's/^[Ll]ocation: .*\/messages\///p'
}
ID=$(send "$1" "$2")
echo "sent $ID"

# 2. The same again, as after a break: the same key gives the same message, and nothing is sent twice.
AGAIN=$(send "$1" "$2")
[ "$AGAIN" = "$ID" ] || { echo "sent twice"; exit 1; }

# 3. What became of it?
ask "$API/messages/$ID" | grep -o '"state":"[a-z_]*"' | head -n 1

# 4. What arrived and was not taken yet: save its documents, then say that you have it.
for RECEIVED in $(ask "$API/inbox?taken=false" | grep -o '"id":"[0-9A-Z]*"' | cut -d '"' -f 4); do
  for NUMBER in $(ask "$API/inbox/$RECEIVED" | grep -o '"number":[0-9]*' | cut -d : -f 2); do
    ask "$API/inbox/$RECEIVED/documents/$NUMBER" -o "$RECEIVED-$NUMBER"
  done
  ask -X POST "$API/inbox/$RECEIVED/taken" -o /dev/null
  echo "received $RECEIVED"
done

# 5. Follow what happens, from the last number that you know (0: all that is kept). Here for two seconds only.
ask -N --max-time 2 -H "Last-Event-ID: 0" "$API/events" || true
