/** The page imports the package from the server under this name; there is no bundler to resolve it. */
export { default } from 'uplot';
