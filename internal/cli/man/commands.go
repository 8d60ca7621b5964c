package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// writeCommandPages writes a page of Markdown for each command, and their list. The texts of the
// command line are plain, so the pages show them as a terminal does.
func writeCommandPages(root *cobra.Command, dir string) error {
	var list strings.Builder
	list.WriteString("# Commands\n\n")
	list.WriteString(describeCommand(root))
	list.WriteString("\nEach command, as `onward help COMMAND` has it:\n\n")
	for _, cmd := range root.Commands() {
		if !cmd.IsAvailableCommand() || cmd.Name() == "help" {
			continue
		}
		name := cmd.Name() + ".md"
		fmt.Fprintf(&list, "- [onward %s](%s): %s\n", cmd.Name(), name, cmd.Short)
		page := "# onward " + cmd.Name() + "\n\n" + describeCommand(cmd)
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				page += "\n## " + sub.CommandPath() + "\n\n" + describeCommand(sub)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(list.String()), 0o644)
}

// describeCommand returns the help of a command as Markdown.
func describeCommand(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	var b strings.Builder
	long := cmd.Long
	if long == "" {
		long = strings.ToUpper(cmd.Short[:1]) + cmd.Short[1:] + "."
	}
	fmt.Fprintf(&b, "```text\n%s\n```\n", long)
	if cmd.Runnable() {
		fmt.Fprintf(&b, "\n```text\n%s\n```\n", cmd.UseLine())
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nFor example:\n\n```text\n%s\n```\n", cmd.Example)
	}
	if flags := cmd.NonInheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nFlags:\n\n```text\n%s```\n", flags.FlagUsages())
	}
	return b.String()
}
