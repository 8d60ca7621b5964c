// Command onward says what a branch does to the database, and whether the
// deploy survives it.
package main

import (
	"os"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/cli"
	"github.com/onward-sql/onward/internal/sandbox"
)

func main() {
	sandbox.RunChild()
	jsrun.RunChild()
	os.Exit(cli.Main())
}
