package cli

import (
	"errors"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// readTranscripts reads the transcripts that the recordings name, for --replay.
func (f *verifyFlags) readTranscripts(c *verify.Config, old []string) error {
	if !f.replay {
		if f.identity != "" {
			return newUsageError("--values-identity is for --replay")
		}
		return nil
	}
	if f.superuser {
		return newUsageError("--replay contradicts --superuser: no recorded statement is executed as a superuser")
	}
	if f.server != "" {
		return newUsageError("--replay contradicts --postgres: recorded statements are executed on a throwaway server only")
	}
	c.Transcripts = map[onward.Code][]*verify.Transcript{}
	add := func(code onward.Code, files []string, loads []*verify.Workload) error {
		for i, load := range loads {
			list, err := verify.ReadTranscripts(files[i], load, f.identity)
			if err != nil {
				return err
			}
			if len(list) > 0 {
				c.Transcripts[code] = append(c.Transcripts[code], list...)
			}
		}
		return nil
	}
	if err := add(onward.OldCode, old, c.Old); err != nil {
		return err
	}
	if err := add(onward.NewCode, f.fresh, c.New); err != nil {
		return err
	}
	for _, value := range f.also {
		name, file, recorded := cutVersion(value)
		if !recorded {
			continue
		}
		loads, err := readWorkloads([]string{file})
		if err == nil {
			err = add(view.FurtherCode(name), []string{file}, loads)
		}
		if err != nil {
			return err
		}
	}
	if len(c.Transcripts) == 0 {
		return &config.InputError{Err: errors.New("nothing can be replayed: record the values, too (onward record --values), and name the recording with --workload")}
	}
	return nil
}
