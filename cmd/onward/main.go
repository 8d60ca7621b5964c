// Command onward says what a branch does to the database, and whether the
// deploy survives it.
package main

import (
	"os"

	"github.com/onward-sql/onward/internal/cli"
)

func main() { os.Exit(cli.Main()) }
