"""Two networks beside each other: what differs, and what each costs against the other."""
