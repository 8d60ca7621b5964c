package cli

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
)

// setRevisionRange takes BASE..HEAD or BASE...HEAD, as git has them, for --base and --head. Both mean
// the same: the head is judged as after a merge into the base. A side that is left out keeps its default,
// but the head is then what is committed.
func setRevisionRange(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return checkArguments(0, 1, "at most one range of revisions")(cmd, args)
	}
	base, head, ok := strings.Cut(args[0], "..")
	if !ok {
		return newUsageError("%s takes no arguments but a range such as v1.4..v1.5, so %q is too much; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	flags := cmd.Flags()
	if flags.Changed("base") || flags.Changed("head") {
		return newUsageError("%q has the base and the head; leave out --base and --head", args[0])
	}
	head = cmp.Or(strings.TrimPrefix(head, "."), "HEAD")
	if base != "" {
		if err := flags.Set("base", base); err != nil {
			return err
		}
	}
	return flags.Set("head", head)
}
