"""What a run tells Prometheus: `table` lists every metric, the files it is made of say where each value comes from,
`memory` keeps what no single moment tells, `collector` answers a scrape."""
