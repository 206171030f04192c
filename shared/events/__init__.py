"""The event contract: what the services tell each other and everybody else; asyncapi.yaml shows it whole."""
