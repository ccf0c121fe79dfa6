"""Questions and queries about made-up databases: twenty schemas, and a stand-in for a model that writes about them."""
