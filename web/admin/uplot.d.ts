/** The page asks the server for the package under this name; there is no bundler that would find it. */
export { default } from 'uplot';
