"""The keeper of virtual machines: what its kind is made of. All else is in ``cloud.keeper``."""
