package capture

import (
	"path"
	"slices"
	"strings"
)

// launchers are programs that start another one, with the words that may follow them: "npx prisma", "npm exec prisma".
var launchers = map[string][]string{
	"npx": nil, "bunx": nil, "pnpx": nil, "npm": {"exec"}, "pnpm": {"exec", "dlx"}, "yarn": {"exec", "dlx", "run"}, "bun": {"x", "run"}, "bundle": {"exec"},
	"poetry": {"run"}, "uv": {"run"}, "pipenv": {"run"}, "rye": {"run"}, "hatch": {"run"}, "python": nil, "python3": nil, "env": nil, "dotenv": nil,
	"node": nil, "exec": nil, "sudo": nil, "time": nil, "uvx": nil, "mise": {"exec"},
}

// findProgramName returns the program that does a command's work: db-migrate for "npx db-migrate up". It is the first word if the launcher runs a
// script of the project ("npm run migrate").
func findProgramName(command string) string {
	words := strings.Fields(command)
	first := ""
	for i := 0; i < len(words); i++ {
		word := strings.Trim(words[i], `'"`)
		name := path.Base(word)
		if first == "" {
			first = name
		}
		switch follow, launcher := launchers[name]; {
		case strings.HasPrefix(word, "-"), strings.Contains(word, "="):
			continue
		case !launcher:
			return name
		case follow != nil && (i+1 >= len(words) || !slices.Contains(follow, words[i+1])):
			return name
		case follow != nil:
			i++
		}
	}
	return first
}
