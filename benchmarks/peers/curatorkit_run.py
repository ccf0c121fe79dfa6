"""CuratorKIT 0.1.22, tuned: as many calls at once for every role as are given. Its gates, its diagnostic probe and its
reward refiner are on, with the thresholds and the number of questions that every system has.

Runs in the peers' environment, which has nothing of ours, so it imports nothing of ours.

    python curatorkit_run.py --corpus FILE --port N --output DIR --calls N [--checkpoint]
"""

import argparse
import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its HTTP client would fetch a price list

from curatorkit import Curator, CuratorConfig  # pyright: ignore[reportMissingImports] - read after the line above, in the peers' venv


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--calls", type=int, required=True, help="at once, for every role")
    parser.add_argument("--checkpoint", type=int, help="samples of a batch; without it nothing is checkpointed")
    given = parser.parse_args()
    config = CuratorConfig(
        dataset=given.corpus,
        llm_model="openai/sim",
        llm_api_base=f"http://127.0.0.1:{given.port}/v1",
        llm_api_key="none",
        generation_task="qa",
        num_questions=3,
        llm_concurrency=given.calls,
        generator_llm={"concurrency": given.calls},
        judge_llm={"concurrency": given.calls},
        hallucination_threshold=0.7,
        reward_threshold=0.7,
        enable_diagnostic_probe=True,
        enable_reward_refiner=True,
        enable_checkpoint=given.checkpoint is not None,
        checkpoint_batch_size=given.checkpoint or 256,
        export_formats=["alpaca"],
        output_dir=given.output,
    )
    Curator(config).run()


if __name__ == "__main__":
    main()
