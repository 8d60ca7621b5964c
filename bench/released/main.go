// Command released runs the blocks of the pages that need a release, after it is published: the installer, packages, containers, Go and
// the verification of a signature. It needs their programs, curl and the network.
//
//	go run ./bench/released v1.2.3
//
// It exits with 0 when all went through, 1 when a command failed, 2 for wrong usage and 3 when it could not run them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/newcomer"
)

func main() {
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: released VERSION")
		os.Exit(2)
	}
	failed := false
	for _, page := range newcomer.ReleasePages {
		text, err := os.ReadFile(filepath.FromSlash(page))
		measure.ExitIf(false, err)
		home, err := os.MkdirTemp("", "onward-released-")
		measure.ExitIf(false, err)
		measure.ExitIf(false, os.Chmod(home, 0o755)) //nolint:gosec // the account of a container reads it
		n, err := newcomer.RunReleased(context.Background(), string(text), flag.Arg(0), home, "GOPROXY="+os.Getenv("GOPROXY"))
		_ = os.RemoveAll(home) // Go's modules may be read-only, and the machine is thrown away
		if err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "%s: %v\n", page, err)
			continue
		}
		fmt.Printf("%s: %d blocks that need a release went through\n", page, n)
	}
	measure.ExitIf(failed, nil)
}
