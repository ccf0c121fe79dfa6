"""What is said: frozen structs that cross processes or reach the disk. They import nothing of ours but each other.

A sample's life
    ids            identity from content and plan; seeds
    corpus         documents and passages, with their exact place
    orders         orders, leases, attempts, decisions, reports
    order_kinds    fresh, rollout, probe: how urgent each is, and what may become of it
    samples        what is asked of a model, what it answered, the draft that was read
    verdicts       what gates are asked, and what they say
    vectors        what near-duplicates are compared by, beside words
    recovery       diagnosis, failure modes, repairs
    solutions      a worked solution: steps and final answer
    credit         what each step is worth
    errors         errors by the boundary that was crossed

What is kept
    ledger         every record
    queue_shard    parts of a run, each with its own queue and ledger
    manifest       manifest.json
    exports        what is exported, and how

Measuring the gates
    flaws, probes              in what ways a sample is bad; labelled samples that measure the gates
    calibration, gate_audit    a threshold from probes; a gate held against labels

What is told
    progress, distributions    counts and histograms, added up from records
    role_cards                 what `gleaner models` shows of each role
    stages, live               what is in flight; live.json
    scaling                    replicas: facts and decisions
    policy, audit              answers of `gleaner policy` and `gleaner verify`

Between processes
    wire           one codec for each message

The configuration
    config         the whole tree; one file a section: config_corpus, config_tasks, config_engines, config_deployed,
                   config_gates, config_recovery, config_credit, config_bounds, config_probes
    config_base    what every section is made of
    config_moved   keys of earlier versions
"""
