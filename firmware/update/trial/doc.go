// Package trial is an update as a state machine: which slot is written, started on
// trial, kept or given up, and what must be on the medium before the next step.
//
//	        Begin              Written            Try, and no call
//	idle ──────────▶ writing ─────────▶ ready ─────────────────────▶ leaving
//	 ▲  ▲                │ failed         ▲                            │ start on trial
//	 │  └────────────────┘                │ it was cut off, once       ▼
//	 │                                    └──────────────── old slot  new slot
//	 │                                                         │         │
//	 └──────────────── failed: given up ───────────────────────┘         ▼
//	 ├──────────────── Good: Select, then remember ──────────────────  trial
//	 └──── old slot ◀── Bad: remember, then start again ────────────────┘
//
// What holds at every moment, so that power may fail at any: the slot that is started
// by itself is never written to, and autoboot.txt names a slot only after it ran and
// was found good, or when it is the one that runs.
//
// What the machine remembers is on the data partition. It may be lost with it: what
// runs, and whether on trial, the boot firmware tells.
package trial
