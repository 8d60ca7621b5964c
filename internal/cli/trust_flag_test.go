package cli

import (
	"testing"

	"github.com/spf13/cobra"
)

// Each command that judges a head against a base can trust the base only.
func TestTrustFlag(t *testing.T) {
	t.Parallel()
	found := 0
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Flags().Lookup("head") != nil && c.Flags().Lookup("fail-on") != nil {
			found++
			if c.Flags().Lookup("trust") == nil {
				t.Errorf("%s has no --trust", c.CommandPath())
			}
		}
		for _, subcommand := range c.Commands() {
			visit(subcommand)
		}
	}
	visit((&app{}).newRootCommand())
	if found < 6 {
		t.Errorf("%d commands judge a branch; changelog, rehearse, verify, plan, capture and preflight do", found)
	}
}
