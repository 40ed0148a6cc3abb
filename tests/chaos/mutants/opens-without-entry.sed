# breaks: nobody is let in while the journal cannot be written
# file: src/gate/gate_decide.c
# faults: disk-full:north-1
# says: the door was opened before
s/^        if (decision.outcome == GH_OUTCOME_OPEN) {$/        if (decision.outcome != decision.outcome) {/
