"""Testing a voice application offline: the project, the caller and the clock behind the fixtures `ringback` and
`aringback`."""
