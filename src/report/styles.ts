import { customProperties, dark, light } from "./theme.js";

/** The style sheet of every page: no font, image or rule is ever fetched. */
export const styles = `
:root{color-scheme:light;${customProperties(light)}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${customProperties(dark)}}}
:root[data-theme=dark]{color-scheme:dark;${customProperties(dark)}}
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:4.5rem}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1,h2,h3,p,figure,fieldset{margin:0}
h1{font-size:clamp(1.6rem,1.2rem + 1.6vw,2.25rem);line-height:1.15;letter-spacing:-.015em;text-wrap:balance}
h2{font-size:1.25rem;line-height:1.3;letter-spacing:-.01em}
h3{font-size:1rem;line-height:1.35}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:1rem;top:-4rem;z-index:9;background:var(--surface);padding:.5rem 1rem;border-radius:0 0 8px 8px}
.skip:focus{top:0}
html:not(.live) .needs-script{display:none!important}
.live .needs-no-script{display:none}
.page{max-width:1240px;margin:0 auto;padding:0 clamp(1rem,3vw,2.5rem)}
.top{padding-block:clamp(1.25rem,3vw,2.5rem) 1.25rem}
.crumbs{display:flex;justify-content:space-between;align-items:center;gap:1rem;margin-bottom:1rem;font-size:.875rem}
.crumbs a{text-decoration:none}.crumbs a:hover{text-decoration:underline}
.description{max-width:46rem;margin-top:.6rem;color:var(--muted);font-size:1.0625rem}
.stamp{margin-top:.75rem;color:var(--muted);font-size:.8125rem;display:flex;flex-wrap:wrap;gap:.15rem 1.1rem}
.stamp code{font:inherit;font-variant-numeric:tabular-nums}
button,select,input[type=search]{font:inherit;font-size:.875rem;color:var(--text);background:var(--surface);border:1px solid var(--control);border-radius:8px;padding:.35rem .7rem;min-height:2.1rem}
button{cursor:pointer}
button:hover:not(:disabled){border-color:var(--accent);color:var(--accent)}
button:disabled{opacity:.45;cursor:default}
.notice{background:var(--warning);border-radius:10px;padding:.8rem 1.1rem;margin-bottom:1.25rem}
.notice ul{margin:.25rem 0 0;padding-left:1.2rem}
.filters{position:sticky;top:0;z-index:5;display:flex;flex-wrap:wrap;align-items:center;gap:.5rem;padding:.6rem 0;background:var(--page);border-bottom:1px solid var(--line)}
.filter{position:relative}
.filter summary{list-style:none;cursor:pointer;font-size:.875rem;background:var(--surface);border:1px solid var(--control);border-radius:8px;padding:.35rem .7rem;min-height:2.1rem;white-space:nowrap;max-width:calc(100vw - 2rem);overflow:hidden;text-overflow:ellipsis}
.filter summary::-webkit-details-marker{display:none}
.filter summary::after{content:"";display:inline-block;width:.4em;height:.4em;margin-left:.6em;border:solid var(--muted);border-width:0 1.5px 1.5px 0;transform:translateY(-.15em) rotate(45deg)}
.filter summary:hover{border-color:var(--accent)}
.filter .chosen{font-weight:600}
.filter.active summary{border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
.filter fieldset{position:absolute;z-index:6;top:calc(100% + 6px);left:0;min-width:13rem;max-width:calc(100vw - 2rem);max-height:min(29rem,70vh);overflow:auto;padding:.4rem;background:var(--surface);border:1px solid var(--line);border-radius:10px;box-shadow:0 12px 32px rgb(0 0 0/.18)}
.filter label{display:flex;align-items:center;gap:.6rem;padding:.38rem .55rem;border-radius:6px;font-size:.9rem;cursor:pointer}
.filter label:hover{background:var(--page)}
.filter label.end{justify-content:space-between}
.filter input{accent-color:var(--accent);width:1.05rem;height:1.05rem;margin:0}
.reset{border-color:transparent;background:none;text-decoration:underline;color:var(--accent)}
.sections{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.875rem;padding-bottom:.5rem}
.sections a{text-decoration:none}.sections a:hover{text-decoration:underline}
.section{padding-block:1.75rem .25rem}
.section>.lead{max-width:46rem;margin-top:.25rem;color:var(--muted)}
.items{display:grid;grid-template-columns:repeat(12,minmax(0,1fr));gap:1rem;margin-top:.9rem}
.card{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.25rem;min-width:0;grid-column:span 12}
.text{grid-column:span 12;max-width:46rem}.text p+p{margin-top:.75rem}
.kpi{grid-column:span 6;display:flex;flex-direction:column;gap:.3rem}
.kpi h3{font-size:.875rem;font-weight:600;color:var(--muted)}
.kpi .value{font-size:clamp(1.5rem,1rem + 1.7vw,2.15rem);line-height:1.15;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.kpi .value.missing{color:var(--muted);font-size:1.25rem;font-weight:500}
.kpi .unit{font-size:.875rem;font-weight:500;letter-spacing:0;color:var(--muted)}
.kpi .definition{padding-top:.2rem;font-size:.8125rem;line-height:1.4;color:var(--muted)}
.change{font-size:.8125rem;color:var(--muted)}.change.good strong{color:var(--good)}.change.bad strong{color:var(--bad)}
.sparkline{display:block;margin-top:.2rem}
.subtitle{color:var(--muted);font-size:.875rem}
.chart,.card.table{display:flex;flex-direction:column}.chart>.foot{margin-top:auto;padding-top:.7rem}
.plot-area{margin-top:.75rem;position:relative}
.plot-area.narrow{display:none}
.plot{display:block;max-width:100%;height:auto;overflow:visible}
.plot text,.plot tspan{white-space:pre}
.plot:focus-visible{outline-offset:6px}
.plot [data-active]{stroke:var(--text);stroke-width:2px;paint-order:stroke}
.foot{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:flex-start;gap:.5rem 1rem;margin-top:.7rem}
.downloads{display:flex;gap:.3rem;margin-left:auto}
.downloads button{font-size:.75rem;padding:.1rem .5rem;min-height:1.7rem;border-color:var(--line);color:var(--muted)}
.behind{font-size:.875rem}.behind[open]{flex-basis:100%}
.behind summary{cursor:pointer;color:var(--muted);font-size:.8125rem;padding:.2rem 0;width:max-content}
.behind .scroll{max-height:20rem}
.scroll{overflow:auto;margin-top:.5rem;border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.4rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}
thead th{position:sticky;top:0;background:var(--surface);color:var(--muted);font-weight:600;white-space:nowrap}
tfoot th,tfoot td{font-weight:650;border-bottom:0;border-top:2px solid var(--control)}
.number{text-align:right;white-space:nowrap}
.sort{all:unset;cursor:pointer;font-weight:600}.sort:hover{color:var(--accent)}
.sort:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.search{margin-top:.6rem;width:min(22rem,100%);align-self:flex-start}
.pager{display:flex;align-items:center;gap:.6rem;font-size:.8125rem;color:var(--muted)}
.note,.source{font-size:.8125rem;color:var(--muted);margin-top:.5rem}
.empty{margin-top:.9rem;padding:1.5rem 1rem;text-align:center;color:var(--muted);border:1px dashed var(--control);border-radius:8px}
.tip{position:fixed;z-index:8;pointer-events:none;max-width:min(20rem,90vw);white-space:pre-line;font-size:.8125rem;line-height:1.45;background:var(--text);color:var(--surface);border-radius:8px;padding:.45rem .7rem;box-shadow:0 6px 20px rgb(0 0 0/.25);font-variant-numeric:tabular-nums}
.end-note{padding-block:2rem 3rem;color:var(--muted);font-size:.8125rem}
.reports{list-style:none;margin:.9rem 0 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));gap:1rem}
.reports .card{position:relative;height:100%;display:flex;flex-direction:column;gap:.4rem}
.reports .card:hover{border-color:var(--accent)}
.reports a{color:inherit;text-decoration:none}.reports a::after{content:"";position:absolute;inset:0;border-radius:12px}
.reports p{font-size:.9rem;color:var(--muted)}.reports p.failed{color:var(--bad);font-size:.8125rem;font-weight:600}.reports p.stamp{font-size:.75rem;margin-top:.5rem}
.reports dl{display:grid;grid-template-columns:repeat(3,1fr);gap:.5rem 1rem;margin:auto 0 0;padding-top:.6rem}
.reports dl div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.reports dt{font-size:.75rem;color:var(--muted)}.reports dd{margin:0;font-size:1.2rem;font-weight:650;font-variant-numeric:tabular-nums}
@media (min-width:640px){.kpi{grid-column:span 4}}
@media (min-width:900px){.card.half{grid-column:span 6}.kpi:nth-last-child(4):first-child,.kpi:nth-last-child(4):first-child~.kpi{grid-column:span 3}}
@media (min-width:1800px){html{font-size:112.5%}.page{max-width:1720px}}
@media (max-width:639px){.plot-area.wide{display:none}.plot-area.narrow{display:block}.card{padding:.9rem 1rem}th,td{padding:.35rem .45rem;font-size:.8125rem}thead th{white-space:normal}.items{gap:.75rem}.filters{position:relative}.filter{position:static}.filter fieldset{top:auto;left:0;right:0;margin-top:6px}.kpi:last-child:nth-child(odd){grid-column:span 12}.kpi .value{font-size:1.4rem}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media print{:root,:root[data-theme=dark],:root:not([data-theme=light]){color-scheme:light;${customProperties(light)};--page:#fff}
@page{size:A4;margin:14mm}
body{font-size:11pt}.page{max-width:none;padding:0}.filters,.sections,.downloads,.crumbs,.needs-no-script,.skip,.behind,.search,.pager,.tip{display:none!important}
.card{break-inside:avoid;box-shadow:none}.card.table{break-inside:auto}thead{display:table-header-group}tr{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible;max-height:none}
.kpi{grid-column:span 4}.card.half{grid-column:span 6}.plot-area.wide,.half .plot-area.narrow{display:block}.half .plot-area.wide,.plot-area.narrow{display:none}.lead{break-after:avoid}.kpi:nth-last-child(4):first-child,.kpi:nth-last-child(4):first-child~.kpi{grid-column:span 3}.kpi .value{font-size:1.2rem}.card.table{border:0;padding:0}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`.replaceAll("\n", "");
