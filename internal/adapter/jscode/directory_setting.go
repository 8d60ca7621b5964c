package jscode

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// DirectorySetting finds the directories of migrations that a project's settings name: directory: './db/changes',
// path.join(__dirname, 'db', 'changes'), or a list of texts.
type DirectorySetting struct {
	// File matches the paths of settings.
	File *lazyregexp.Regexp
	// Key matches the name of the setting, and what is before it.
	Key string
	// Default is the directory if nothing sets another one. Elsewhere matches what may: the settings are then not known from the text.
	Default   string
	Elsewhere *lazyregexp.Regexp
	// Beside matches parts of settings that are about something else, such as seeds.
	Beside *lazyregexp.Regexp

	// value matches the setting with its value. [NewDirectorySetting] sets it.
	value *lazyregexp.Regexp
}

// directoryText matches a text in a setting.
var directoryText = lazyregexp.New(`['"]([^'"]+)['"]`)

// NewDirectorySetting prepares a setting.
func NewDirectorySetting(s DirectorySetting) *DirectorySetting {
	s.value = lazyregexp.New(s.Key + `['"]?\s*:\s*` +
		`(['"][^'"]+['"]|(?:path\.)?(?:join|resolve)\([^()]*\)|__dirname\s*\+\s*['"][^'"]+['"]|\[[^\]]*\])`)
	return &s
}

// FindDirectories returns the directories that settings name, each with the file of the settings.
func (s *DirectorySetting) FindDirectories(t adapter.Tree) map[string]string {
	out := map[string]string{}
	for _, f := range ReadSettingFiles(t, s.File) {
		dir := path.Dir(f.Path)
		found := s.value.FindAllStringSubmatch(f.Text, 20)
		for _, m := range found {
			parts := []string{dir}
			for _, text := range directoryText.FindAllStringSubmatch(m[1], 20) {
				if m[1][0] == '[' {
					out[path.Join(dir, text[1])] = f.Path
					continue
				}
				parts = append(parts, text[1])
			}
			if m[1][0] != '[' {
				out[path.Join(parts...)] = f.Path
			}
		}
		text := f.Text
		if s.Beside != nil {
			text = s.Beside.ReplaceAllString(text, "")
		}
		if len(found) == 0 && strings.TrimSpace(text) != "" && !s.Elsewhere.MatchString(text) {
			out[path.Join(dir, s.Default)] = f.Path
		}
	}
	return out
}
