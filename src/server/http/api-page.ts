// The OpenAPI document as a page that a person reads: every path with what it takes and answers.
// No script, no asset of anyone: it works behind any firewall and in any browser.

export interface ApiDocument {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description?: string;
  };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly description?: string }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly required?: boolean;
}

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h2 { font: 600 1rem ui-monospace, monospace; margin: 2rem 0 0; border-top: 1px solid #8884;
       padding-top: 1rem; overflow-wrap: anywhere; }
  h2 b { display: inline-block; min-width: 5rem; color: light-dark(#0550ae, #79c0ff); }
  table { border-collapse: collapse; width: 100%; }
  td { vertical-align: top; padding: .15rem 1rem .15rem 0; }
  td:first-child { white-space: nowrap; font-family: ui-monospace, monospace; width: 14rem; }
  small { opacity: .7; }`;

export function apiPage({ info, paths }: ApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) => {
    return Object.entries(methods).map(([method, each]) => operationHtml(path, method, each));
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(info.title)} HTTP API</title>
<style>${STYLE}</style>
<h1>${text(info.title)} HTTP API <small>${text(info.version)}</small></h1>
<p>${text(info.description ?? '')}</p>
<p>For programs: <a href="/v1/openapi.json">/v1/openapi.json</a></p>
${operations.join('\n')}
</html>
`;
}

function operationHtml(path: string, method: string, operation: Operation): string {
  const { summary = '', parameters = [], responses } = operation;
  const rows = [
    ...parameters.map(({ name, in: place, description = '', required }) => {
      const note = `<small>${text(place)}${required ? ', required' : ''}</small>`;
      return row(name, `${text(description)} ${note}`);
    }),
    ...Object.entries(responses).map(([status, { description = '' }]) => {
      return row(status, text(description === 'Default Response' ? 'A problem.' : description));
    }),
  ];
  return `<h2><b>${method.toUpperCase()}</b> ${text(path)}</h2>
<p>${text(summary)}</p>
<table>${rows.join('')}</table>`;
}

function row(name: string, html: string): string {
  return `<tr><td>${text(name)}</td><td>${html}</td></tr>`;
}

function text(raw: string): string {
  return raw.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
}
