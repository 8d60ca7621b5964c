package cli

import (
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// checkReplay refuses flags that contradict each other.
func (f *verifyFlags) checkReplay() error {
	switch {
	case !f.replay && f.identity != "":
		return newUsageError("--values-identity is for --replay")
	case f.replay && f.superuser:
		return newUsageError("--replay contradicts --superuser: no recorded statement is executed as a superuser")
	case f.replay && f.server != "":
		return newUsageError("--replay contradicts --postgres: recorded statements are executed on a throwaway server only")
	}
	return nil
}

// addTranscripts adds the transcripts that the recordings of a version name.
func (f *verifyFlags) addTranscripts(c *verify.Config, code onward.Code, files []string, loads []*verify.Workload) error {
	for i, load := range loads {
		list, err := verify.ReadTranscripts(files[i], load, f.identity)
		if err != nil {
			return err
		}
		if c.Transcripts == nil {
			c.Transcripts = map[onward.Code][]*verify.Transcript{}
		}
		if len(list) > 0 {
			c.Transcripts[code] = append(c.Transcripts[code], list...)
		}
	}
	return nil
}
