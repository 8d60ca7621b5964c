package command

import (
	"context"
	"os/exec"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/sandbox"
)

// Confinement is how a command was confined.
type Confinement struct {
	// Output is what the command printed to stdout.
	Output []byte
	// Refused are addresses that it tried to reach. Gaps are sentences about what was not confined.
	Refused, Gaps []string
}

// RunConfined is [Run] in a sandbox. The result is never nil.
func RunConfined(ctx context.Context, c Command, a sandbox.Access) (*Confinement, error) {
	var box *sandbox.Sandbox
	c.Start = func(cmd *exec.Cmd) (err error) {
		box, err = sandbox.Start(cmd, a)
		return err
	}
	out, err := Run(ctx, c)
	r := &Confinement{Output: out}
	if box != nil {
		box.Close()
		r.Refused, r.Gaps = box.ListRefused(), box.ListGaps()
	}
	return r, err
}

// refusedFile matches messages about files that a program may not use.
var refusedFile = lazyregexp.New(`(?i)permission denied|operation not permitted|\bEACCES\b|\bEPERM\b|read-only file system|access denied`)

// ExplainRefusal returns what to do about a failure whose reason may be the sandbox; "" if it is none. text is the command's last output.
func (r *Confinement) ExplainRefusal(text string) string {
	switch {
	case len(r.Refused) > 0:
		return "; it runs without a network, and tried to reach " + strings.Join(r.Refused, ", ") + ": `sandbox: {network: true}` allows it"
	case refusedFile.MatchString(text):
		return "; it reads installed programs and writes in its own directory: `sandbox:` of the directory in onward.yaml names more (`read:`, `write:`)"
	}
	return ""
}
