package cli

import (
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// readCodeQueries reads the queries of the code at a revision, or of the working tree, as onward
// verify does without a recording.
func (a *app) readCodeQueries(cmd *cobra.Command, revision string) (*workload.Workload, error) {
	settings, err := a.readConfigFile()
	if err != nil {
		return nil, err
	}
	c, code := audit.Config{Base: revision, Head: revision, Settings: settings, Logger: a.newLogger()}, onward.OldCode
	if revision == "" {
		c.Base, code = "HEAD", onward.NewCode
	}
	r, err := audit.Read(cmd.Context(), c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Audit(); err != nil {
		return nil, err
	}
	load, parsed, err := r.Parsed(code)
	if err != nil {
		return nil, err
	}
	a.printNote("the code %s", view.DescribeCoverage(&onward.Verified{Queries: parsed.Texts + parsed.Implied, Parsed: parsed}))
	return load, nil
}
