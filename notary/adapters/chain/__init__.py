"""The chain: the only package that imports web3, eth_account or coincurve."""
