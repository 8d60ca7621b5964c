package command

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/sandbox"
)

// Confinement is the result of a command that ran in a sandbox.
type Confinement struct {
	// Output is what the command printed to stdout.
	Output []byte
	// Refused are addresses that it tried to reach. Gaps are sentences about what was not confined.
	Refused, Gaps []string
	// Left is how many processes it left, which ended with its namespaces.
	Left int

	// written are the directories in which it could write.
	written []string
}

// RunConfined is [Run] in a sandbox. The result is never nil.
func RunConfined(ctx context.Context, c Command, a sandbox.Access) (*Confinement, error) {
	var box *sandbox.Sandbox
	c.Start = func(cmd *exec.Cmd) (err error) {
		box, err = sandbox.Start(cmd, a)
		return err
	}
	c.Signal = func() syscall.Signal { return box.Signal() }
	out, err := Run(ctx, c)
	r := &Confinement{Output: out, written: a.Write}
	if box != nil {
		box.Close()
		r.Refused, r.Gaps, r.Left = box.ListRefused(), box.ListGaps(), box.CountLeft()
	}
	return r, err
}

// refusedFile matches messages about files that a program may not use.
var refusedFile = lazyregexp.New(`(?i)` + refusedFiles)

const refusedFiles = `permission denied|operation not permitted|\bEACCES\b|\bEPERM\b|read-only file system|access denied`

// missingFile matches messages about a file that is not there, or may not be used, and its path in them.
var (
	missingFile = lazyregexp.New(`(?i)no such file|not found|cannot find|does not exist|\bENOENT\b|` + refusedFiles)
	filePath    = lazyregexp.New(`(?:^|[\s'"(=:\[])(/[^\s'"():;,\]]+/[^\s'"():;,\]]+)`)
)

// findFileOutsideSandbox returns the file outside of the sandbox that a message is about, with ~ for the home directory; "" if there is none. Whether
// there is such a file is not said: the message comes from the project's program.
func (r *Confinement) findFileOutsideSandbox(text string) string {
	m := filePath.FindStringSubmatch(text)
	if m == nil || !missingFile.MatchString(text) {
		return ""
	}
	name := filepath.Clean(m[1])
	if sandbox.IsSystemPath(name) || slices.ContainsFunc(r.written, func(dir string) bool { return strings.HasPrefix(name, dir+"/") }) {
		return ""
	}
	if home, err := os.UserHomeDir(); err == nil {
		if rest, ok := strings.CutPrefix(name, home+"/"); ok {
			return "~/" + rest
		}
	}
	return name
}

// ExplainRefusal returns what to do about a failure whose reason may be the sandbox; "" if it is none. text is the command's last output.
func (r *Confinement) ExplainRefusal(text string) string {
	switch {
	case len(r.Refused) > 0:
		return "; it runs without a network, and tried to reach " + strings.Join(r.Refused, ", ") + ": `sandbox: {network: true}` allows it"
	case r.findFileOutsideSandbox(text) != "":
		name := r.findFileOutsideSandbox(text)
		return "; it reads " + name + ", which its sandbox does not have: `sandbox: {read: [" + name + "]}` of the directory in onward.yaml adds it"
	case refusedFile.MatchString(text):
		return "; it reads installed programs and writes in its own directory: `sandbox:` of the directory in onward.yaml names more (`read:`, `write:`)"
	}
	return ""
}
