package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/onward"
)

// BaseSettings returns the settings of the deployed revision, for a run that trusts only them: of the file at the same path as the user's,
// "" for the usual one. It is nil if that revision has none, as in the change that adds onward.yaml. Errors: as for [Read].
func BaseSettings(ctx context.Context, dir, base, file string) (*config.Config, error) {
	repo, err := gitrange.Open(ctx, cmp.Or(dir, "."))
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	t, err := repo.Base(ctx, base)
	if err != nil {
		return nil, err
	}
	below := settingsPath(file, repo.Root())
	c := settingsAt(gittree.Of(t), below)
	if c != nil {
		c.Path = filepath.Join(repo.Root(), filepath.FromSlash(below))
		if c.Baseline != "" {
			file := path.Join(path.Dir(below), filepath.ToSlash(c.Baseline))
			if c.BaselineText, err = gittree.Of(t).Read(file); err != nil {
				return nil, &config.Error{Path: file, Message: fmt.Sprintf("the baseline cannot be read at %s: %v", t.Name(), err)}
			}
		}
	}
	return c, nil
}

// listWeakened returns the settings by which the branch weakens its own check. Flags of the command line are the user's, and do not count.
func (a *changelog) listWeakened(deployed *deployedSettings) []onward.Weakening {
	if deployed.path == "" || deployed.tree == nil || a.TrustsBase {
		return nil // the user has named a file, the base is not known, or its settings count
	}
	base := cmp.Or(deployed.config, &config.Config{})
	head := &config.Config{}
	if a.Settings.Path != "" {
		c, err := config.LoadFile(a.Settings.Path, Names())
		if err != nil {
			return nil // it was read before, and has just changed
		}
		head = c
	}
	list := config.ListWeakened(base, head, func(id string) onward.Severity {
		if r := rules.FindRule(id); r != nil {
			return r.Severity
		}
		return onward.Error
	})
	if head.Baseline != "" && head.Baseline == base.Baseline {
		file := path.Join(path.Dir(deployed.path), filepath.ToSlash(head.Baseline))
		before, _ := deployed.tree.Read(file)
		after, err := a.head.Read(file)
		if n := countNewFindings(before, after); err == nil && n > 0 {
			list = append(list, onward.Weakening{Key: "baseline", Head: fmt.Sprintf("%s has %d more findings", head.Baseline, n)})
		}
	}
	return list
}

// countNewFindings counts the findings of a baseline that an older one does not have.
func countNewFindings(before, after []byte) (n int) {
	var old, fresh config.Baseline
	if json.Unmarshal(after, &fresh) != nil {
		return 0
	}
	_ = json.Unmarshal(before, &old) // none of them is known
	for id := range fresh.Findings {
		if _, ok := old.Findings[id]; !ok {
			n++
		}
	}
	return n
}
