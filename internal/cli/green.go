package cli

import (
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
)

// green are the flags that say which queries have to work behind a contract.
type green struct {
	workloads []string
	server    string
}

func (f *green) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.workloads, "workload", nil, "`file` with a recording of what the new code sends: nothing is contracted while one of its queries would fail behind it; repeatable")
	flags.StringVar(&f.server, "postgres", "", "with --workload: `address` of a server to ask instead of a throwaway one: a database is made there and dropped; @FILE or env:NAME")
}

func (f *green) given() bool { return len(f.workloads) > 0 || f.server != "" }

// working reads them.
func (a *app) working(f *green, c *apply.Config) (err error) {
	if f.server != "" {
		if len(f.workloads) == 0 {
			return usagef("--postgres is the server for --workload, which is missing")
		}
		if c.Server, err = a.address(f.server); err != nil {
			return err
		}
	}
	c.Workload, err = workloads(f.workloads)
	return err
}
