package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// The values of changelog --with.
const (
	proofRehearse = "rehearse"
	proofVerify   = "verify"
	proofReplay   = "replay"
)

var proofNames = []string{proofRehearse, proofVerify, proofReplay}

// readProofs returns the proofs that the flags ask for. A replay is a part of verifying.
func (f *changes) readProofs() (map[string]bool, error) {
	proofs := map[string]bool{proofRehearse: f.rehearse}
	for _, name := range f.with {
		if !slices.Contains(proofNames, name) {
			return nil, newUsageError("--with %q is not one of %s", name, strings.Join(proofNames, ", "))
		}
		proofs[name] = true
	}
	proofs[proofVerify] = proofs[proofVerify] || proofs[proofReplay]
	switch {
	case !proofs[proofVerify] && len(f.fresh)+len(f.also) > 0:
		return nil, newUsageError("--workload-head and --also are for --with verify")
	case !proofs[proofReplay] && (f.identity != "" || f.showValues):
		return nil, newUsageError("--values-identity and --show-values are for --with replay")
	}
	return proofs, nil
}

// proveRelease judges a release, and proves it on a server as far as that is asked for.
func (a *app) proveRelease(ctx context.Context, c verify.Config, proofs map[string]bool, starts bool) (*onward.Report, error) {
	release, err := audit.Read(ctx, c.Config.Config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	r, err := plan.ChangelogOf(ctx, release, starts)
	if err != nil {
		return nil, err
	}
	p := a.newProgress()
	defer p.clearLine()
	if p != nil {
		c.Progress = p.handleEvent
	}
	if proofs[proofRehearse] {
		if err := rehearse.RunRelease(ctx, c.Config, release, r); err != nil {
			return nil, err
		}
	}
	if proofs[proofVerify] && len(r.Migrations) > 0 {
		if err := verify.RunRelease(ctx, c, release, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}
