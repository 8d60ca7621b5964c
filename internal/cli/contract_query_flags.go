package cli

import (
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
)

// contractQueryFlags are the flags that say which queries must work after a contract.
type contractQueryFlags struct {
	workloads []string
	server    string
}

func (f *contractQueryFlags) addContractQueryFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.workloads, "workload", nil, "`file` with a recording of the new code's queries: if one of them would fail after the contract, "+
		"nothing is dropped; repeatable")
	flags.StringVar(&f.server, "postgres", "", "with --workload: `address` of a server to ask instead of a throwaway one: "+
		"a database is made there and dropped; @FILE or env:NAME")
}

func (f *contractQueryFlags) areGiven() bool { return len(f.workloads) > 0 || f.server != "" }

// readContractQueries reads them.
func (a *app) readContractQueries(f *contractQueryFlags, c *apply.Config) (err error) {
	if f.server != "" {
		if len(f.workloads) == 0 {
			return newUsageError("--postgres is the server for --workload, which is missing")
		}
		if c.Server, err = a.readAddress(f.server); err != nil {
			return err
		}
	}
	c.Workload, err = readWorkloads(f.workloads)
	return err
}
