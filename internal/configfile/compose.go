package configfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Service is a service of a compose file. Its texts may have variables, for [Interpolate].
type Service struct {
	Name, Image string
	// Context is the directory that it is built from, and Dockerfile its file in there.
	Context, Dockerfile string
	Mounts              []Mount
	WorkingDir          string
	EnvFiles            []string
	// Environment has the variables that it sets. One without a value has the value that the shell has.
	Environment map[string]string
	// Words are its command and its entry point, word by word.
	Words []string
}

// Mount is a directory of the machine, and its place in the container.
type Mount struct{ Source, Target string }

// ReadCompose reads the services of a compose file, sorted by name. It follows anchors and merges, and no file that the text includes.
func ReadCompose(text string) ([]Service, error) {
	if err := checkLimits(text, maxSize); err != nil {
		return nil, err
	}
	var file struct {
		Services map[string]struct {
			Image       any `yaml:"image"`
			Build       any `yaml:"build"`
			Volumes     any `yaml:"volumes"`
			WorkingDir  any `yaml:"working_dir"`
			EnvFile     any `yaml:"env_file"`
			Environment any `yaml:"environment"`
			Command     any `yaml:"command"`
			Entrypoint  any `yaml:"entrypoint"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		if _, partly := errors.AsType[*yaml.TypeError](err); !partly {
			return nil, fmt.Errorf("it is not valid YAML: %w", err)
		}
	}
	var out []Service
	for _, name := range slices.Sorted(maps.Keys(file.Services)) {
		raw := file.Services[name]
		s := Service{Name: name, Image: scalarText(raw.Image), WorkingDir: scalarText(raw.WorkingDir), Environment: map[string]string{}}
		if build, ok := raw.Build.(map[string]any); ok {
			s.Context, s.Dockerfile = scalarText(build["context"]), scalarText(build["dockerfile"])
		} else {
			s.Context = scalarText(raw.Build)
		}
		for _, v := range listItems(raw.Volumes) {
			if mount, ok := v.(map[string]any); ok {
				s.Mounts = append(s.Mounts, Mount{scalarText(mount["source"]), scalarText(mount["target"])})
			} else if from, to, ok := strings.Cut(scalarText(v), ":"); ok {
				to, _, _ = strings.Cut(to, ":")
				s.Mounts = append(s.Mounts, Mount{from, to})
			}
		}
		for _, v := range listItems(raw.EnvFile) {
			if file, ok := v.(map[string]any); ok {
				v = file["path"]
			}
			s.EnvFiles = append(s.EnvFiles, scalarText(v))
		}
		if variables, ok := raw.Environment.(map[string]any); ok {
			for key, value := range variables {
				if s.Environment[key] = "${" + key + "}"; value != nil {
					s.Environment[key] = scalarText(value)
				}
			}
		}
		for _, v := range listItems(raw.Environment) {
			key, value, set := strings.Cut(scalarText(v), "=")
			if !set {
				value = "${" + key + "}"
			}
			s.Environment[key] = value
		}
		for _, words := range []any{raw.Entrypoint, raw.Command} {
			for _, v := range listItems(words) {
				s.Words = append(s.Words, strings.Fields(scalarText(v))...)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// listItems returns the items of a list, or the only value.
func listItems(v any) []any {
	switch v := v.(type) {
	case nil, map[string]any:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// scalarText returns the text of a scalar; "" for a list or a mapping.
func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil, []any, map[string]any:
		return ""
	}
	return fmt.Sprint(v)
}

// variableUse matches a variable in a text of a compose file, with its default.
var variableUse = lazyregexp.New(`\$(?:\$|\{(\w+)(?:(:?[-?+])([^{}]*))?\}|(\w+))`)

// Interpolate fills the variables of a text in. lookup returns the value of a variable, and whether it has one. The result has the
// variables that it used; known is false if one of them has no value and no default.
func Interpolate(text string, lookup func(name string) (string, bool)) (value string, variables []string, known bool) {
	known = true
	var b strings.Builder
	end := 0
	for _, m := range variableUse.FindAllStringSubmatchIndex(text, -1) {
		part := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return text[m[2*i]:m[2*i+1]]
		}
		b.WriteString(text[end:m[0]])
		end = m[1]
		name := part(1) + part(4)
		if name == "" { // $$
			b.WriteByte('$')
			continue
		}
		variables = append(variables, name)
		found, ok := lookup(name)
		switch operator := part(2); {
		case strings.HasSuffix(operator, "+"):
			known = false
		case ok && (found != "" || !strings.HasPrefix(operator, ":")):
			b.WriteString(found)
		case strings.HasSuffix(operator, "-"):
			b.WriteString(part(3))
		default:
			known = false
			b.WriteString(text[m[0]:m[1]])
		}
	}
	return b.String() + text[end:], variables, known
}
