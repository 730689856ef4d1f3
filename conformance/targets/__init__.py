"""Things to be judged. Only here and in `mutants/` may the suite know the emulator."""
