"""What lies in images of virtual machines; nothing here is imported by the service."""
