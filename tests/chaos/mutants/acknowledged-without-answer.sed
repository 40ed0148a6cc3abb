# breaks: the gate goes on only behind what the server has acknowledged
# file: src/gate/courier_entries.c
# faults: net:refuse net:500 net:drop
# says: alarm\|the server
s/^        gh_backoff_failed(&outbox->backoff, now_ns, retry_after_s);$/        outbox->acknowledged = batch.last;\n&/
