package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/scratch"
	"github.com/onward-sql/onward/onward"
)

// misnamed is a common wrong name. It is refused, because a configuration
// without effect is worse than none.
const misnamed = "onward.yml"

// Find returns the path of the onward.yaml that applies to a directory: in the
// directory itself or the nearest one above it, up to the repository's root.
// path is "" if there is none. root is the repository's root, "" outside of
// one. Outside of a repository only the directory itself counts, because
// directories above it may belong to anybody.
func Find(dir string) (path, root string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	found, foundIn := "", ""
	for current := dir; ; {
		if found == "" {
			for _, name := range []string{Name, misnamed} {
				file := filepath.Join(current, name)
				if _, err := os.Stat(file); err == nil {
					found, foundIn = file, current
					break
				} else if !errors.Is(err, fs.ErrNotExist) {
					return "", "", fmt.Errorf("read %s: %w", file, err)
				}
			}
		}
		if _, err := os.Lstat(filepath.Join(current, ".git")); err == nil {
			return found, current, nil
		}
		up := filepath.Dir(current)
		if up == current {
			if foundIn == dir {
				return found, "", nil
			}
			return "", "", nil
		}
		current = up
	}
}

// Load finds and reads the onward.yaml that applies to a directory. Without one
// it returns the zero Config. In a file outside of the repository's root,
// directories and patterns become relative to the root.
func Load(dir string, known Known) (*Config, error) {
	file, root, err := Find(dir)
	if err != nil {
		return nil, err
	}
	switch {
	case file == "":
		return &Config{}, nil
	case filepath.Base(file) == misnamed:
		return nil, &Error{Path: file, Message: "is not read: rename it to " + Name + ", or name it with --config"}
	}
	// The user did not name the file, so it may be anything; reading a pipe
	// would block.
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &Error{Path: file, Message: "cannot be read: it is not a file"}
	}
	return loadFile(file, root, known)
}

// LoadFile reads a file that the user named, like Load the one that it finds.
func LoadFile(file string, known Known) (*Config, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	_, root, err := Find(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	c, err := loadFile(file, root, known)
	if err == nil {
		c.Named = true
	}
	return c, err
}

func loadFile(file, root string, known Known) (*Config, error) {
	c, err := Read(file, known)
	if err != nil {
		return nil, err
	}
	if relative, err := filepath.Rel(root, filepath.Dir(file)); root != "" && err == nil {
		c.rebasePaths(filepath.ToSlash(relative))
	}
	return c, nil
}

// rebasePaths turns paths relative to the file into paths relative to a directory
// above it; prefix is the path from there to the file's directory.
func (c *Config) rebasePaths(prefix string) {
	if prefix == "." {
		return
	}
	for i := range c.Migrations {
		c.Migrations[i].Dir = path.Join(prefix, c.Migrations[i].Dir)
		c.Migrations[i].CaptureDir = path.Join(prefix)
	}
	for i, p := range c.AcceptOpaque.Patterns {
		c.AcceptOpaque.Patterns[i] = path.Join(prefix, p)
		if strings.HasSuffix(p, "/") {
			c.AcceptOpaque.Patterns[i] += "/"
		}
	}
}

// Read reads a file.
func Read(path string, known Known) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("cannot be read: %v", trimErrorPath(err))}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("cannot be read: %v", trimErrorPath(err))}
	}
	return Decode(data, path, known)
}

// trimErrorPath returns an error without the path, which the caller adds.
func trimErrorPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// BaselineSchema identifies a baseline file.
const BaselineSchema = "onward.baseline/1"

// Baseline is the list of findings that an old code base starts with. Each is
// identified by its content ([onward.Finding.Fingerprint]), so that the list
// stays valid when files and lines move. A statement that changes is judged
// again.
type Baseline struct {
	Schema string `json:"schema"`
	// Findings is keyed by fingerprint.
	Findings map[string]BaselineFinding `json:"findings"`
}

// BaselineFinding describes the finding of a fingerprint, for readers of the
// file; only the fingerprint counts.
type BaselineFinding struct {
	Rule string `json:"rule"`
	Path string `json:"path"`
	Fact string `json:"fact"`
}

// NewBaseline lists the findings of a report.
func NewBaseline(findings []onward.Finding) *Baseline {
	b := &Baseline{Schema: BaselineSchema, Findings: make(map[string]BaselineFinding, len(findings))}
	for _, f := range findings {
		if f.Category == onward.Suppression {
			continue // nothing can suppress these
		}
		b.Findings[f.Fingerprint] = BaselineFinding{Rule: f.Rule, Path: f.Path, Fact: f.Fact}
		for _, place := range f.Also {
			b.Findings[place.Fingerprint] = BaselineFinding{Rule: f.Rule, Path: place.Path, Fact: f.Fact}
		}
	}
	return b
}

// Write prints the baseline, sorted, so that its diffs are readable.
func (b *Baseline) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(b)
}

// Replaceable reports whether a baseline may be written to a path: there is no
// file yet, or it is a baseline. Any other file is a mistake, such as a
// migration that was named after --write-baseline.
func Replaceable(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return true // writing reports the problem
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return true
	}
	head, _ := io.ReadAll(io.LimitReader(file, 1<<10))
	return bytes.Contains(head, []byte("onward.baseline/"))
}

// Fingerprints returns the set of findings to leave out.
func (b *Baseline) Fingerprints() map[string]bool {
	out := make(map[string]bool, len(b.Findings))
	for f := range b.Findings {
		out[f] = true
	}
	return out
}

// maxBaseline bounds a baseline: 64 MB hold 300,000 findings.
const maxBaseline = 64 << 20

// ReadBaseline reads a baseline file. An error is an [Error].
func ReadBaseline(path string) (*Baseline, error) {
	data, err := scratch.ReadBounded(path, maxBaseline)
	if err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("the baseline cannot be read: %v; onward changelog --write-baseline writes one", trimErrorPath(err))}
	}
	b := &Baseline{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("is no baseline (%v); onward changelog --write-baseline writes one", err)}
	}
	if b.Schema != BaselineSchema {
		return nil, &Error{Path: path, Message: fmt.Sprintf("the schema is %q; this version reads %s", b.Schema, BaselineSchema)}
	}
	return b, nil
}
