# breaks: the entry is durable before the door moves
# file: src/gate/gate_decide.c
# faults: power
# rounds: 3
# says: the door was opened before
s/^    if (gh_record_now(&gate->record, &entry) != GH_OK) {$/    (void)gh_gate_show(gate, decision.reason, decision.outcome == GH_OUTCOME_OPEN);\n&/
