// Package run is the beginning and the end of a benchmark's program.
package run

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// BuildOnward builds onward as the file program.
func BuildOnward(ctx context.Context, program string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "github.com/onward-sql/onward/cmd/onward")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build onward: %w\n%s", err, out)
	}
	return nil
}

// ExitIf ends the program with 3 if it could not measure, and with 1 if a limit was missed.
func ExitIf(missed bool, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(3)
	}
	if missed {
		os.Exit(1)
	}
}
