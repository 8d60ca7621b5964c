package cli

import "testing"

// Help breaks between words, and what is typed stays in one line.
func TestFitHelp(t *testing.T) {
	t.Parallel()
	const help = `Writes what a branch does to the database,
and whether the deploy survives it.

A short one.

  onward changelog --base origin/main --head HEAD
  onward check -       judge standard input, as long as it is no terminal

  -q, --quiet     print findings in one line each, and the verdict
      --version   the version
`
	const want = `Writes what a branch does to the
database, and whether the deploy
survives it.

A short one.

  onward changelog --base origin/main --head HEAD
  onward check -       judge standard input, as long as it is no terminal

  -q, --quiet     print findings in
                  one line each, and
                  the verdict
      --version   the version
`
	if got := fitHelp(help, 38); got != want {
		t.Errorf("38 columns:\n%s", got)
	}
	if got := fitHelp(help, 80); got != help {
		t.Errorf("80 columns:\n%s", got)
	}
}
