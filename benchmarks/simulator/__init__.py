"""The queue and the autoscaling policy of a run under a simulated clock: thousands of replicas on one core."""
