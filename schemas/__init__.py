"""Messages: frozen structs that cross processes or are stored on disk. They import nothing of ours but each other.

A sample's life
    ids            identity from content and plan; seeds
    corpus         documents and passages, with their exact place
    orders         orders, leases, attempts, decisions, reports
    order_kinds    fresh, rollout, probe: how urgent each is, and how it may end
    samples        requests to models, completions, drafts
    verdicts       requests to gates, and their verdicts
    vectors        vectors of samples, for near-duplicates
    recovery       diagnosis, failure modes, repairs
    repairs        the interface of your own repairs
    solutions      a worked solution: steps and final answer
    credit         the value of each step
    errors         errors by the boundary that was crossed
    programs       programs that a model wrote, and what became of them
    queries        queries that a model wrote, their results and their failure modes

Storage
    ledger         every record
    queue_shard    parts of a run, each with its own queue and ledger
    manifest       manifest.json
    exports        formats of exports; export.json
    sinks          a shard on its way to a sink
    pushes         samples on their way to the Hugging Face Hub; push.json

Measuring the gates
    flaws, probes              flaws of samples; labelled samples that measure the gates
    calibration, gate_audit    a threshold from probes; a gate compared with labels

Reports
    progress, distributions    counts and histograms, added up from records
    overlap                    which gates reject the same attempts
    measures                   how counts of shards are added up, and their metrics
    firsts                     the first completions and verdicts
    role_cards                 the answer of `gleaner models`
    stages, live               samples in flight; live.json
    scaling                    replicas: facts and decisions
    policy, audit              the answers of `gleaner policy` and `gleaner verify`
    conformance                the answer of `gleaner check --as`

Between processes
    wire           one codec for each message

The configuration
    config         the whole tree; one file a section: config_corpus, config_tasks, config_engines, config_deployed,
                   config_gates, config_computed, config_recovery, config_credit, config_bounds, config_probes,
                   config_publish, config_trackers
    config_base    the base of every section
    config_moved   keys of earlier versions
"""
