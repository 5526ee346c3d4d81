/**
 * The shapes of what Python sends; see `protocol.py` and `slices.py`. Types alone, no code.
 *
 * @typedef {Record<string, string | number | boolean | null>} Values
 *
 * @typedef {object} Form
 * @property {string} model
 * @property {string} prompt
 * @property {Values} values
 * @property {string} seed_mode
 * @property {string} seed
 * @property {string} images
 * @property {boolean} again
 * @property {Record<string, string>} sweep
 * @property {boolean} skip_invalid
 *
 * @typedef {Partial<Form>} Changes
 *
 * @typedef {[string | boolean | null, string]} Option
 *
 * @typedef {object} Control
 * @property {string} name
 * @property {string} label
 * @property {string} place
 * @property {string} help
 * @property {"segments" | "select" | "area" | "text"} kind
 * @property {Option[]} [options]
 * @property {string} [more]
 * @property {string} [default]
 * @property {string} [hint]
 * @property {boolean} [folded]
 * @property {string} [suffix]
 *
 * @typedef {{ label: string, width: string, height: string }} Preset
 * @typedef {Record<string, { start: string, hint: string }>} Varied
 * @typedef {{ controls: Control[], presets: Preset[], limit: number | null, varied: Varied }} Controls
 *
 * @typedef {{ name: string, label: string, text: string, count: number | null }} PlanAxis
 *
 * @typedef {object} Plan
 * @property {PlanAxis[]} axes
 * @property {string} cells
 * @property {string} time
 * @property {[string, string][]} invalid
 * @property {string} add
 *
 * @typedef {object} Sweep
 * @property {string} name
 * @property {{ name: string, labels: string[] }[]} axes
 * @property {number[]} rows
 * @property {number[]} columns
 * @property {number[]} pages
 *
 * @typedef {object} SweepCell
 * @property {number} index
 * @property {number[]} at
 * @property {string} caption
 * @property {boolean} waiting
 * @property {string} [key]
 * @property {string[]} [remarks]
 * @property {string} [text]
 *
 * @typedef {{ id: string, name: string, price: string, state: string, groups: string[] }} Model
 * @typedef {{ label: string, options: [string, string][] }} Filter
 * @typedef {{ models: Model[], filters: Filter[], styles: string[], states: [string, string][] }} Lists
 *
 * @typedef {object} Quote
 * @property {Record<string, string>} facts
 * @property {string} formula
 * @property {string} defaults
 * @property {string} button
 * @property {string} problem
 * @property {string} field
 * @property {boolean} loading
 * @property {boolean} failed
 * @property {string} model
 * @property {string} left_out
 * @property {string[]} notes
 * @property {boolean} listed
 * @property {number} known
 * @property {number | null} usual
 *
 * @typedef {{ column: string, price: string, mark: string }} GridCell
 * @typedef {{ names: string[], columns: string[], rows: { name: string, cells: GridCell[] }[], single?: string }} Grid
 *
 * @typedef {{ demo: boolean, text: string, prices_from: string, stale_after: number }} Account
 *
 * @typedef {object} Job
 * @property {string} name
 * @property {string} state
 * @property {string} label
 * @property {string} prompt
 * @property {string} price
 * @property {number} done
 * @property {number} total
 * @property {string} activity
 *
 * @typedef {{ id: string, text: string, button: string }} Question
 * @typedef {{ id: string, text: string, kind: string }} Notice
 *
 * @typedef {object} Card
 * @property {string} key
 * @property {string} seed
 * @property {number} width
 * @property {number} height
 * @property {string} [waiting]
 * @property {string} [run]
 * @property {string} [ending]
 * @property {string} [price]
 * @property {string} [model]
 * @property {string} [size]
 * @property {string} [prompt]
 * @property {string[]} [remarks]
 * @property {boolean} [pinned]
 * @property {boolean} [compared]
 * @property {boolean} [favorite]
 *
 * @typedef {object} Run
 * @property {string} run
 * @property {string} ending
 * @property {string} seed
 * @property {string} model
 * @property {string} prompt
 * @property {string} price
 * @property {string} when
 * @property {string} state
 * @property {string} problem
 * @property {string[]} keys
 * @property {boolean} [favorite]
 *
 * @typedef {object} Slices
 * @property {(Form & { v: number }) | undefined} form
 * @property {Lists | null} lists
 * @property {string[]} recent
 * @property {Controls | null} controls
 * @property {Quote} quote
 * @property {Grid | null} grid
 * @property {Account} account
 * @property {{ jobs: Job[], sum: string }} jobs
 * @property {Question | null} question
 * @property {Notice[]} notices
 * @property {{ cards: Card[], left: string }} gallery
 * @property {{ keys: string[], names: string[], rows: [string, string[]][] }} compare
 * @property {{ subshells: boolean }} kernel
 * @property {Plan | null} plan
 * @property {Sweep | null} sweep
 * @property {string} outcome
 *
 * @typedef {object} AnyModel
 * @property {(name: string, callback: (...given: any[]) => void) => void} on
 * @property {(name: string, callback?: (...given: any[]) => void) => void} off
 * @property {(content: any, callbacks?: any, buffers?: ArrayBuffer[]) => void} send
 * @property {(name: string) => any} get
 */
export {};
