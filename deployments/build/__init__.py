"""From a configuration to objects. `wiring` holds most; one file a part beside it. `own_code`: what users bring."""
